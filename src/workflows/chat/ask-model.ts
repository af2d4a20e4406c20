import type { Model, ModelAnswer, Question } from '../../adapters/model/model.ts';
import { RequestFailure } from '../../contracts/errors.ts';

/** An answer that was paid for, and how long the model took, in ms. */
export interface AskedAnswer {
  answer: ModelAnswer;
  modelMs: number;
}

/**
 * Asks the model, unless the deadline has passed.
 * @throws RequestFailure deadline_exceeded, or what the model answered with
 */
export async function askModel(
  model: Model,
  question: Question,
  deadlineAt: number,
  signal: AbortSignal,
): Promise<AskedAnswer> {
  if (Date.now() >= deadlineAt) {
    throw new RequestFailure('deadline_exceeded', 'The request was not answered before its deadline.', {
      retryable: true,
    });
  }
  const startedAt = performance.now();
  const answer = await model.ask(question, signal);
  return { answer, modelMs: Math.round(performance.now() - startedAt) };
}
