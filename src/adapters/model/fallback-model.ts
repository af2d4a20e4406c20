import { ModelPausedError, ProviderBrokenError, type RequestFailure } from '../../contracts/errors.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';
import { isProviderFailure } from './breaker.ts';
import type { Model } from './model.ts';

/**
 * A list of models, in the order in which they are asked. One whose gate is shut, and one that is broken for everybody, is
 * passed over at once. So is a model whose call ran into its timeout, because the next call would take as long. A
 * model that fails otherwise is asked again in the next attempts; from attempt `afterAttempts` on, the next model is asked
 * in the same attempt. A request that is wrong itself goes to no other model.
 *
 * Rejects with the last model's failure. If none may be asked now, it rejects with the shortest pause. If all are broken, it
 * rejects with what is wrong with the first.
 */
export function createFallbackModel(models: readonly [Model, ...Model[]], afterAttempts: number): Model {
  const [first] = models;
  if (models.length === 1) return first;
  return {
    parametersOf: (question) => first.parametersOf(question),
    ask: async (question, signal, attempt) => {
      let pause: ModelPausedError | undefined;
      let broken: ProviderBrokenError | undefined;
      let failure: RequestFailure | undefined;
      let costlyCalls = 0;
      for (const model of models) {
        try {
          const answer: ModelAnswer = await model.ask(question, signal, attempt);
          return model === first ? answer : { ...answer, byFallback: true };
        } catch (error) {
          if (error instanceof ModelPausedError) {
            if (!pause || error.retryAfterMs < pause.retryAfterMs) pause = error;
          } else if (error instanceof ProviderBrokenError) {
            broken ??= error;
          } else if (isProviderFailure(error)) {
            failure = error;
            costlyCalls += error.costlyCalls;
            if (attempt < afterAttempts && error.costlyCalls === 0) break;
          } else {
            throw error;
          }
        }
      }
      if (failure) failure.costlyCalls = costlyCalls;
      throw failure ?? pause ?? broken;
    },
  };
}
