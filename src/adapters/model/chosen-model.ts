import { RequestFailure } from '../../contracts/errors.ts';
import type { Model, ModelQuestion } from './model.ts';

/**
 * Passes each question to the model that the question names.
 * @param byName the allowed models
 * @param standard the name of the model for a question that names none
 */
export function createChosenModel(byName: ReadonlyMap<string, Model>, standard: string): Model {
  const modelOf = ({ model = standard }: ModelQuestion): Model => {
    const chosen = byName.get(model);
    if (chosen) return chosen;
    throw new RequestFailure(
      'model_not_allowed',
      `the request chose a model that is not allowed; allowed: ${[...byName.keys()].join(', ')}`,
    );
  };
  return {
    parametersOf: (question) => modelOf(question).parametersOf(question),
    ask: (question, signal, attempt, options) => modelOf(question).ask(question, signal, attempt, options),
  };
}
