import type { ChatJobData } from '../../adapters/jobs/chat-job.ts';
import type { Model, ModelAnswer } from '../../adapters/model/model.ts';
import type { PublishResponse } from '../../adapters/rabbitmq/chat-messages.ts';
import type { AnswerCache } from '../../adapters/redis/answer-cache.ts';
import type { AnswerFlights } from '../../adapters/redis/answer-flights.ts';
import type { ChatResponse, Failure } from '../../contracts/chat-response.ts';
import { RequestFailure } from '../../contracts/errors.ts';
import type { Run } from '../engine/run.ts';
import { type AskedAnswer, askModel, type UncertainSpend } from './ask-model.ts';
import { type CacheLookup, checkCache } from './check-cache.ts';
import { cancelled, completed, failed } from './terminal-response.ts';
import { writeCache } from './write-cache.ts';

export interface ChatWorkflow {
  model: Model;
  cache: AnswerCache;
  flights: AnswerFlights;
  /** false: every question asks the model. */
  cacheEnabled: boolean;
  /** false: a request whose worker died while it asked the model fails instead of asking again. */
  askAgainAfterCrash: boolean;
  publish: PublishResponse;
  /** Has the requests go on that wait for the answer to the same question. */
  wake: (requestIds: string[]) => Promise<void>;
  onCacheLookup: (result: CacheLookup | 'off') => void;
  onUncertainSpend: (why: UncertainSpend) => void;
}

/** One attempt's own circumstances. */
export interface Attempt {
  number: number;
  /** ms */
  startedAt: number;
  /** ms; Infinity for a request without one */
  deadlineAt: number;
  signal: AbortSignal;
}

/** The whole workflow, in its order. The one step that must not be repeated unseen is the one that is paid for. */
export async function answerRequest(
  workflow: ChatWorkflow,
  job: ChatJobData,
  run: Run,
  attempt: Attempt,
): Promise<ChatResponse> {
  const { model, cache, publish } = workflow;
  const { requestId, sessionId, message, context, model: chosen } = job.request;
  const question = { message, context, model: chosen };
  const hash = workflow.cacheEnabled && job.request.cache ? cache.hashOf(model.parametersOf(question)) : undefined;

  try {
    const { answer, modelMs } = await findAnswer();
    const worthKeeping = modelMs !== undefined && !answer.byFallback;
    await run.step('write-cache', () => writeCache(cache, worthKeeping ? hash : undefined, sessionId, answer));
    const times = { attempts: attempt.number, startedAt: attempt.startedAt, now: Date.now() };
    const response = completed(job, { answer, modelMs }, times);
    await run.step('publish', () => publish(response, job.traceparent));
    return response;
  } finally {
    if (hash) await land(workflow, hash, requestId);
  }

  /** From the cache, else from the model; an answer that an earlier attempt was given is not asked for again. */
  async function findAnswer(): Promise<{ answer: ModelAnswer; modelMs: number | undefined }> {
    if (!('ask-model' in run.state.results)) {
      if (!hash) workflow.onCacheLookup('off');
      const hit =
        hash && (await run.step('check-cache', () => checkCache(workflow, hash, requestId, workflow.onCacheLookup)));
      if (hit) return { answer: hit, modelMs: undefined };
    }
    return await run.step('ask-model', ask, { save: true });
  }

  function ask(): Promise<AskedAnswer> {
    if (run.interrupted === 'ask-model') {
      workflow.onUncertainSpend('crashed');
      if (!workflow.askAgainAfterCrash) {
        throw new RequestFailure('spend_uncertain', 'The model may have been paid for an answer that was lost.', {
          retryable: true,
        });
      }
    }
    return askModel(model, question, attempt, workflow.onUncertainSpend);
  }
}

/** Gives up the claim on the question, so that others who ask it find the answer, or ask themselves. */
async function land({ flights, wake }: ChatWorkflow, hash: string, requestId: string): Promise<void> {
  // Where it fails, the lease runs out.
  const waiting = await flights.release(hash, requestId).catch(() => []);
  if (waiting.length > 0) await wake(waiting).catch(() => {});
}

/** Tells the user that the request has failed for good. */
export async function announceFailure(
  workflow: ChatWorkflow,
  job: ChatJobData,
  run: Run,
  attempt: Attempt,
  failure: Failure,
): Promise<ChatResponse> {
  const response = failed(job, failure, { attempts: attempt.number, startedAt: attempt.startedAt, now: Date.now() });
  await run.step('publish-failure', () => workflow.publish(response, job.traceparent));
  return response;
}

/** Tells whoever reads `chat_responses` that the request was cancelled. */
export async function announceCancellation(
  workflow: ChatWorkflow,
  job: ChatJobData,
  run: Run,
  attempt: Attempt,
): Promise<ChatResponse> {
  const response = cancelled(job, { attempts: attempt.number, startedAt: attempt.startedAt, now: Date.now() });
  await run.step('publish-cancellation', () => workflow.publish(response, job.traceparent));
  return response;
}
