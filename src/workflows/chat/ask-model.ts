import type { AskOptions, Model, ModelQuestion } from '../../adapters/model/model.ts';
import { RequestFailure } from '../../contracts/errors.ts';
import type { AskedAnswer } from '../../contracts/model-answer.ts';
import { deadlineExceeded } from '../engine/retry-policy.ts';

/** Why a model call may have been paid for without an answer. */
export type UncertainSpend = 'crashed' | 'aborted' | 'no answer';

/**
 * Asks the model, unless the deadline has passed.
 * @throws RequestFailure deadline_exceeded, or as Model.ask does
 */
export async function askModel(
  model: Model,
  question: ModelQuestion,
  attempt: { number: number; deadlineAt: number; signal: AbortSignal } & AskOptions,
  onUncertainSpend: (why: UncertainSpend) => void,
): Promise<AskedAnswer> {
  const { traceparent, progress, onLost } = attempt;
  if (Date.now() >= attempt.deadlineAt) throw deadlineExceeded();
  const startedAt = performance.now();
  try {
    const answer = await model.ask(question, attempt.signal, attempt.number, { traceparent, progress, onLost });
    return { answer, modelMs: Math.round(performance.now() - startedAt) };
  } catch (error) {
    if (attempt.signal.aborted) onUncertainSpend('aborted');
    else if (error instanceof RequestFailure && error.mayBeCharged) onUncertainSpend('no answer');
    throw error;
  }
}
