import type { AnswerCache, LookUp } from '../../adapters/answers/answer-cache.ts';
import type { ChatJobData, KnownFailure } from '../../adapters/jobs/chat-job.ts';
import type { HeadStart, JobSignal } from '../../adapters/jobs/job-in-hand.ts';
import type { Model } from '../../adapters/model/model.ts';
import type { PublishResponse } from '../../adapters/rabbitmq/chat-messages.ts';
import type { ReplyPublisher } from '../../adapters/rabbitmq/reply-publisher.ts';
import type { ChatRequest } from '../../contracts/chat-request.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { RequestFailure, UndeliverableReplyError } from '../../contracts/errors.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';
import type { Run } from '../engine/run.ts';
import { type AskedAnswer, askModel, type UncertainSpend } from './ask-model.ts';
import { type CacheLookup, checkCache } from './check-cache.ts';
import { cancelled, completed, failed } from './terminal-response.ts';
import { writeCache } from './write-cache.ts';

export interface ChatWorkflow {
  model: Model;
  cache: AnswerCache;
  /** false: every question asks the model. */
  cacheEnabled: boolean;
  /** false: a request whose worker died while it asked the model fails instead of asking again. */
  askAgainAfterCrash: boolean;
  publish: PublishResponse;
  /** Keeps an answer as a dead letter that its request's reply queue does not take. */
  keepReply: ReplyPublisher['keep'];
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
  /** Aborted when the request is cancelled, or the attempt must end. */
  signal: JobSignal;
}

/** A look-up that was sent together with the job. */
export interface EarlyLookUp extends HeadStart {
  readonly hash: string;
  readonly found: Promise<LookUp>;
}

/** Looks a request's answer up before its job is known to be written: nothing comes of that but knowledge, and a lease. */
export function lookUpEarly(workflow: ChatWorkflow, request: ChatRequest): EarlyLookUp | undefined {
  let hash: string | undefined;
  try {
    hash = hashOf(workflow, request);
  } catch {
    // A model that must not be chosen: the attempt will say so.
  }
  if (!hash) return undefined;
  const found = workflow.cache.lookUp(hash, request.requestId);
  // The worker that begins with the job learns of it; until then nobody listens.
  found.catch(() => {});
  const leave = () => workflow.cache.leave(hash, request.requestId);
  return { hash, found, drop: () => void found.then(leave, leave) };
}

/** undefined: the answer is neither looked up nor kept for others. */
function hashOf({ cache, cacheEnabled, model }: ChatWorkflow, request: ChatRequest): string | undefined {
  return cacheEnabled && request.cache ? cache.hashOf(model.parametersOf(request), request.userId) : undefined;
}

/**
 * The whole workflow, in its order. The one step that must not be repeated unseen is the one that is paid for. Two round
 * trips to Redis: one before the model is asked, unless there was an early look-up, and one after. Rejects when the signal
 * is aborted before there is an answer.
 */
export async function answerRequest(
  workflow: ChatWorkflow,
  job: ChatJobData,
  run: Run,
  attempt: Attempt,
  early?: EarlyLookUp,
): Promise<ChatResponse> {
  const { model, cache } = workflow;
  const { requestId, sessionId } = job.request;
  const hash = early ? early.hash : hashOf(workflow, job.request);
  let claimed = false;

  try {
    const hit = 'ask-model' in run.state.results ? undefined : await lookUp();
    attempt.signal.throwIfAborted();
    const { answer, modelMs } = hit ? { answer: hit, modelMs: undefined } : await run.step('ask-model', ask);
    // An answer may come though its request was cancelled. Then it is kept nowhere.
    throwIfCancelled(attempt.signal);
    const worthKeeping = hash !== undefined && modelMs !== undefined && !answer.byFallback && isWhole(answer);
    await Promise.all([
      modelMs !== undefined && run.save(),
      run.step('write-cache', () => keep(answer, worthKeeping ? { hash, requestId } : undefined)),
    ]);
    if (isCancelled(attempt.signal)) {
      await forget(worthKeeping ? [hash] : []);
      throw attempt.signal.reason;
    }
    const times = { attempts: attempt.number, startedAt: attempt.startedAt, now: Date.now() };
    const answerKey = hit || worthKeeping ? hash : undefined;
    const response = completed(job, { answer, modelMs, answerKey }, times);
    await deliver(workflow, job, run, 'publish', response);
    return response;
  } finally {
    if (hash && claimed) await giveUpClaim(hash);
  }

  /** The answer that was given before to the same question; else the question is this request's to ask. */
  async function lookUp(): Promise<ModelAnswer | undefined> {
    if (run.interrupted) workflow.onUncertainSpend('crashed');
    if (!hash) {
      workflow.onCacheLookup('off');
      return undefined;
    }
    const hit = await run.step('check-cache', () =>
      checkCache(cache, hash, requestId, workflow.onCacheLookup, early?.found),
    );
    claimed = !hit;
    return hit;
  }

  /** Whether the answer was kept; if so, its claim is given up and those that wait for it go on. */
  async function keep(answer: ModelAnswer, shared: { hash: string; requestId: string } | undefined): Promise<boolean> {
    const waiting = await writeCache(cache, sessionId, answer, shared);
    if (shared && waiting) {
      claimed = false;
      await wake(waiting);
    }
    return waiting !== undefined;
  }

  /** Removes what was kept of an answer that was cancelled, or whose session was erased, just as it was written. */
  async function forget(hashes: string[]): Promise<void> {
    // A cache that is out of reach has most likely not kept it either.
    await Promise.allSettled([cache.forgetSession(sessionId), cache.forgetAnswers(hashes)]);
  }

  /** Others who ask the same ask themselves. */
  async function giveUpClaim(hash: string): Promise<void> {
    // Where it fails, the lease runs out.
    await wake(await cache.release(hash, requestId).catch(() => []));
  }

  async function wake(requestIds: string[]): Promise<void> {
    if (requestIds.length > 0) await workflow.wake(requestIds).catch(() => {});
  }

  function ask(): Promise<AskedAnswer> {
    if (run.interrupted && !workflow.askAgainAfterCrash) {
      throw new RequestFailure('spend_uncertain', 'the model may have been paid for an answer that was lost');
    }
    return askModel(model, job.request, attempt, workflow.onUncertainSpend);
  }
}

/** Whether the model said all it had to say; an answer that was cut serves only who asked for it. */
const isWhole = ({ finishReason }: ModelAnswer) => finishReason !== 'length' && finishReason !== 'content_filter';

/** A process that stops aborts as well, but an answer that it has already is worth keeping. */
const isCancelled = (signal: JobSignal) => signal.reason?.code === 'request_cancelled';

function throwIfCancelled(signal: JobSignal): void {
  if (isCancelled(signal)) throw signal.reason;
}

/** Tells the user that the request has failed for good. */
export async function announceFailure(
  workflow: ChatWorkflow,
  job: ChatJobData,
  run: Run,
  attempt: Attempt,
  failure: KnownFailure,
): Promise<ChatResponse> {
  const response = failed(job, failure, { attempts: attempt.number, startedAt: attempt.startedAt, now: Date.now() });
  await deliver(workflow, job, run, 'publish-failure', response);
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
  await deliver(workflow, job, run, 'publish-cancellation', response);
  return response;
}

/**
 * Sends an answer to where its request wants it. One that the reply queue does not take becomes a dead letter, once, and
 * stays with the job, which ends with this error: an operator can have the job, or the letter, sent again.
 * @throws UndeliverableReplyError
 */
async function deliver(
  workflow: ChatWorkflow,
  { traceparent, reply }: ChatJobData,
  run: Run,
  step: string,
  response: ChatResponse,
): Promise<void> {
  try {
    await run.step(step, () => workflow.publish(response, traceparent, reply));
  } catch (error) {
    if (!reply || !(error instanceof UndeliverableReplyError)) throw error;
    await run.step('keep-reply', async () => {
      await workflow.keepReply(response, traceparent, reply, error);
      return true;
    });
    await run.save();
    throw error;
  }
}
