import type { ChatJobData } from '../../adapters/jobs/chat-job.ts';
import type { Model } from '../../adapters/model/model.ts';
import type { PublishResponse } from '../../adapters/rabbitmq/chat-messages.ts';
import type { AnswerCache } from '../../adapters/redis/answer-cache.ts';
import type { ChatResponse, Failure } from '../../contracts/chat-response.ts';
import type { Run } from '../engine/run.ts';
import { askModel } from './ask-model.ts';
import { type CacheLookup, checkCache } from './check-cache.ts';
import { completed, failed } from './terminal-response.ts';
import { writeCache } from './write-cache.ts';

export interface ChatWorkflow {
  model: Model;
  cache: AnswerCache;
  /** false: every question asks the model. */
  cacheEnabled: boolean;
  publish: PublishResponse;
  onCacheLookup: (result: CacheLookup) => void;
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

/** The whole workflow, in its order. The only step that must not be repeated is the one that is paid for. */
export async function answerRequest(
  workflow: ChatWorkflow,
  job: ChatJobData,
  run: Run,
  attempt: Attempt,
): Promise<ChatResponse> {
  const { model, cache, publish } = workflow;
  const { request } = job;
  const question = { message: request.message, context: request.context };
  const cacheable = workflow.cacheEnabled && request.cache;
  const hash = cache.hashOf(model.parametersOf(question));

  const hit = await run.step('check-cache', () =>
    checkCache(cacheable ? cache : undefined, hash, workflow.onCacheLookup),
  );
  const asked = hit
    ? { answer: hit, modelMs: undefined }
    : await run.step('ask-model', () => askModel(model, question, attempt.deadlineAt, attempt.signal), { save: true });
  await run.step('write-cache', () =>
    writeCache(cache, cacheable && !hit ? hash : undefined, request.sessionId, asked.answer),
  );
  const response = completed(job, asked, { attempts: attempt.number, startedAt: attempt.startedAt, now: Date.now() });
  await run.step('publish', () => publish(response, job.traceparent));
  return response;
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
