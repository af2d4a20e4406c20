import type { ChatJobData, KnownFailure } from '../../adapters/jobs/chat-job.ts';
import type { ChatResponse, PartialUsage, Usage } from '../../contracts/chat-response.ts';
import { failureOf } from '../../contracts/error-codes.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

/** Nothing was charged for a cached answer. */
const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0, totalTokens: 0, cost: 0 };

const NO_ANSWER = { response: null, model: null, provider: null, cached: false, usage: null };

/** The attempt that ends a request. */
export interface LastAttempt {
  /** How many attempts there were, including this one. */
  number: number;
  /** ms */
  startedAt: number;
}

/**
 * @param asked.modelMs how long the model took. undefined for a cached answer
 * @param asked.answerKey the hash under which the answer is in the cache, if it is there
 */
export function completed(
  job: ChatJobData,
  asked: { answer: ModelAnswer; modelMs: number | undefined; answerKey?: string | undefined },
  attempt: LastAttempt,
): ChatResponse {
  const cached = asked.modelMs === undefined;
  return {
    ...terminal(job, asked.modelMs ?? 0, attempt),
    status: 'completed',
    response: asked.answer.response,
    error: null,
    model: asked.answer.model,
    provider: asked.answer.provider,
    cached,
    usage: cached ? NO_USAGE : asked.answer.usage,
    finishReason: asked.answer.finishReason ?? null,
    ...(asked.answerKey !== undefined && { answerKey: asked.answerKey }),
  };
}

/** The user reads the message of the code. If a provider failed, the response also names the provider. */
export function failed(job: ChatJobData, failure: KnownFailure, attempt: LastAttempt): ChatResponse {
  return {
    ...terminal(job, 0, attempt),
    ...NO_ANSWER,
    status: 'failed',
    error: failureOf(failure.code),
    provider: failure.provider ?? null,
    finishReason: null,
  };
}

/** @param so.text what was written until then, if anything was */
export function cancelled(
  job: ChatJobData,
  attempt: LastAttempt,
  so: { text?: string | undefined; partialUsage?: PartialUsage | undefined } = {},
): ChatResponse {
  return {
    ...terminal(job, 0, attempt),
    ...NO_ANSWER,
    response: so.text || null,
    status: 'cancelled',
    error: null,
    finishReason: 'cancelled',
    ...(so.partialUsage && { partialUsage: so.partialUsage }),
  };
}

function terminal({ request, receivedAt }: ChatJobData, modelMs: number, { number, startedAt }: LastAttempt) {
  const now = Date.now();
  const createdAt = Date.parse(request.createdAt ?? receivedAt);
  return {
    version: 1 as const,
    requestId: request.requestId,
    sessionId: request.sessionId,
    userId: request.userId,
    attempts: number,
    // The clock of the requesting service may be ahead of ours.
    timings: { waitMs: Math.max(0, startedAt - createdAt), modelMs, totalMs: Math.max(0, now - createdAt) },
    completedAt: new Date(now).toISOString(),
  };
}
