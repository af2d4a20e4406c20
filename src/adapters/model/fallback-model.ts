import { ModelPausedError } from '../../contracts/errors.ts';
import { isProviderFailure } from './breaker.ts';
import type { Model, ModelAnswer } from './model.ts';

/**
 * A list of models, in the order in which they are asked. One whose gate is shut is passed over at once; one that fails
 * is asked again in the next attempts, and from attempt `afterAttempts` on the next one is asked in the same attempt.
 * What is wrong with the request itself goes to no other.
 *
 * Rejects with the last one's failure; where all are shut, with the shortest pause.
 */
export function createFallbackModel(models: readonly [Model, ...Model[]], afterAttempts: number): Model {
  const [first] = models;
  if (models.length === 1) return first;
  return {
    parametersOf: (question) => first.parametersOf(question),
    ask: async (question, signal, attempt) => {
      let pause: ModelPausedError | undefined;
      let failure: unknown;
      for (const model of models) {
        try {
          const answer: ModelAnswer = await model.ask(question, signal, attempt);
          return model === first ? answer : { ...answer, byFallback: true };
        } catch (error) {
          if (error instanceof ModelPausedError) {
            if (!pause || error.retryAfterMs < pause.retryAfterMs) pause = error;
          } else if (isProviderFailure(error)) {
            failure = error;
            if (attempt < afterAttempts) break;
          } else {
            throw error;
          }
        }
      }
      throw failure ?? pause;
    },
  };
}
