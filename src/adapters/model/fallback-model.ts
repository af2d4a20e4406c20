import { ModelPausedError, ProviderBrokenError, type RequestFailure } from '../../contracts/errors.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';
import { isProviderFailure } from './breaker.ts';
import type { Model } from './model.ts';

/**
 * Asks several models in order until one answers.
 *
 * - A model whose gate is shut, or that is broken for everybody, is skipped at once.
 * - After a timeout the next model is asked at once, because a second call to the same model would take as long.
 * - After any other failure of the provider the attempt ends, and the next attempt asks the same model again. From
 *   attempt `afterAttempts` on, the next model is asked in the same attempt.
 * - If the request itself is wrong, no other model is asked.
 *
 * Rejects with the failure of the last model. If no model may be asked now, rejects with the shortest pause. If all are
 * broken, rejects with what is wrong with the first.
 */
export function createFallbackModel(models: readonly [Model, ...Model[]], afterAttempts: number): Model {
  const [first] = models;
  if (models.length === 1) return first;
  return {
    parametersOf: (question) => first.parametersOf(question),
    ask: async (question, signal, attempt, options) => {
      let pause: ModelPausedError | undefined;
      let broken: ProviderBrokenError | undefined;
      let failure: RequestFailure | undefined;
      let costlyCalls = 0;
      for (const model of models) {
        try {
          const answer: ModelAnswer = await model.ask(question, signal, attempt, options);
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
