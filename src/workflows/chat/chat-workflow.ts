import type { AnswerLogWriter, AttemptLog } from '../../adapters/answer-log/answer-log.ts';
import type { AnswerCache, SharedAnswer } from '../../adapters/answers/answer-cache.ts';
import type { AnswersOfUser } from '../../adapters/answers/answers-of-user.ts';
import type { CachedQuestion } from '../../adapters/answers/cached-question.ts';
import type { RecordedCall, RecordedCalls } from '../../adapters/answers/recorded-calls.ts';
import type { JobsAwaitingModel } from '../../adapters/jobs/awaiting-model.ts';
import type { ChatJobData } from '../../adapters/jobs/chat-job.ts';
import type { JobSignal } from '../../adapters/jobs/job-in-hand.ts';
import type { ConfiguredModel } from '../../adapters/model/configured-model.ts';
import type { WorkerConfig } from '../../config/settings.ts';
import { answerKeyOf, type ChatResponse, type PartialUsage } from '../../contracts/chat-response.ts';
import { RequestFailure } from '../../contracts/errors.ts';
import type { AskedAnswer, ModelAnswer } from '../../contracts/model-answer.ts';
import type { Seals } from '../../contracts/sealing.ts';
import { traceIdOf } from '../../contracts/traceparent.ts';
import type { Span } from '../../contracts/tracer.ts';
import type { Run } from '../engine/run.ts';
import { askModel, type UncertainSpend } from './ask-model.ts';
import { type CacheLookup, checkCache } from './check-cache.ts';
import { deliverResponse, type ResponseDelivery } from './deliver-response.ts';
import { type EarlyLookUp, hashesOf, questionsOf } from './early-look-up.ts';
import { endLog } from './end-log.ts';
import { recordCall } from './record-call.ts';
import { replayCall } from './replay-call.ts';
import { completed } from './terminal-response.ts';
import { writeCache } from './write-cache.ts';

/** What the workflow needs. */
export interface ChatWorkflow extends ResponseDelivery {
  model: Pick<ConfiguredModel, 'parametersOf' | 'ask' | 'isOpen'>;
  cache: AnswerCache;
  recordedCalls: RecordedCalls;
  answersOfUser: AnswersOfUser;
  settings: Pick<
    WorkerConfig,
    'cacheEnabled' | 'askAgainAfterCrash' | 'retryBaseMs' | 'retryMaxMs' | 'plainTextsForOthers'
  >;
  /** Left out: no request is streamed. */
  logs?: AnswerLogWriter;
  /** Puts requests that wait for the answer to the same question back in line. */
  wake: (requestIds: string[]) => Promise<void>;
  /** Puts requests that wait for a model back in line once a model may be asked again. */
  awaitingModel: Pick<JobsAwaitingModel, 'openings' | 'look'>;
  onCacheLookup: (result: CacheLookup | 'off') => void;
  onUncertainSpend: (why: UncertainSpend) => void;
}

/** One attempt at a request, as its steps see it. */
export interface ChatAttempt {
  /** From 1. */
  number: number;
  /** ms */
  startedAt: number;
  /** ms; Infinity for a request without a deadline */
  deadlineAt: number;
  /** Aborted when the request is cancelled, or the process must stop. */
  signal: JobSignal;
  /** Seals the texts of the request. */
  seals: Seals;
  /** The traceparent of the attempt's span. undefined: tracing is off. */
  traceparent?: string | undefined;
  /** Where the answer is shown while it is written. undefined: nobody streams it. */
  log?: AttemptLog | undefined;
}

/**
 * The whole workflow, in order. The names of the steps are given only here. Bull Board, the metrics and the log show
 * them unchanged.
 *
 * Asking the model costs money, so its answer is written into the job before anything else can fail. Two round trips to
 * Redis: one before the model is asked, unless there was an early look-up, and one after. Rejects if the signal is
 * aborted before there is an answer.
 */
export async function answerRequest(
  workflow: ChatWorkflow,
  job: ChatJobData,
  run: Run,
  attempt: ChatAttempt,
  early?: EarlyLookUp,
): Promise<ChatResponse> {
  const { cache, settings } = workflow;
  const { requestId, sessionId, userId } = job.request;
  /** Nothing else leads from its user to what the cache keeps. Of our own conversations, the turns do. */
  const ofOtherService = job.reply !== undefined || settings.plainTextsForOthers;
  const questions = await (early ? early.questions : questionsOf(workflow, job.request));
  const hash = questions?.own.hash;
  /** Whether other requests of the user with the same question wait for this one. */
  let claimed = false;
  /** The call of the model, if this attempt has made one. */
  let recorded: RecordedCall | undefined;

  countCallCutShort(workflow, run);
  try {
    const saved = savedAnswerOf(run);
    if (saved) await attempt.log?.resume(saved.answer.response);
    const hit = saved ? undefined : await lookUp();
    attempt.signal.throwIfAborted();
    if (hit && attempt.log) await show(hit, attempt.log);
    const { answer, modelMs } = hit ? { answer: hit, modelMs: undefined } : await run.step('ask-model', ask);
    // A model may answer although its request was cancelled. Such an answer is not kept.
    throwIfCancelled(attempt.signal);
    const isShared = questions !== undefined && modelMs !== undefined && !answer.byFallback && isWhole(answer);
    await Promise.all([
      modelMs !== undefined && run.save(),
      run.step('write-cache', () =>
        keep(answer, isShared ? { question: questions.own, requestId, askedIn: attempt.traceparent } : undefined),
      ),
      // A cache that is out of reach has not kept the answer either.
      ofOtherService &&
        workflow.answersOfUser.note(userId, { sessionId, hashes: isShared ? hashesOf(questions) : [] }).catch(() => {}),
      isShared && recorded && questions.shared && record(questions.shared, recorded),
    ]);
    if (isCancelled(attempt.signal)) {
      await forget(isShared ? hashesOf(questions) : []);
      throw attempt.signal.reason;
    }
    const answerKey = questions && (hit || isShared) ? answerKeyOf(hashesOf(questions)) : undefined;
    const response = completed(job, { answer, modelMs, answerKey }, attempt);
    await deliverResponse(workflow, job, { run, seals: attempt.seals }, 'publish', response);
    await endLog(attempt.log, response);
    return response;
  } finally {
    if (hash && claimed) await giveUpClaim(hash);
  }

  /**
   * Returns the user's earlier answer to the same question. If there is none, this request asks the model for all of the user's
   * requests that ask the same.
   */
  async function lookUp(): Promise<ModelAnswer | undefined> {
    if (!questions) {
      workflow.onCacheLookup('off');
      return undefined;
    }
    const hasWaited = run.state.retry?.code === 'answer_under_way';
    const onLookup = (result: CacheLookup) => workflow.onCacheLookup(result === 'hit' && hasWaited ? 'joined' : result);
    const hit = await run.step('check-cache', (span) =>
      checkCache(cache, { question: questions.own, requestId, span, log: attempt.log }, onLookup, early?.found),
    );
    claimed = !hit;
    return hit;
  }

  async function ask(span: Span | undefined) {
    if (run.interrupted && !settings.askAgainAfterCrash) {
      throw new RequestFailure('spend_uncertain', 'the model may have been paid for an answer that was lost');
    }
    const traceparent = span?.traceparent;
    attempt.log?.asking();
    const call = await recordedCall();
    if (call) return await replay(call);
    const question = { ...job.request, traceId: traceIdOf(job.traceparent) };
    const recorder = recordCall(attempt.log);
    const asked = await askModel(
      workflow.model,
      question,
      { ...attempt, traceparent, progress: recorder.progress, onLost: countLost },
      workflow.onUncertainSpend,
    );
    recorded = { ...asked, pieces: recorder.pieces() };
    return asked;
  }

  /**
   * Returns a call that stands in for the model's. While the model may not be asked there is none, because a user could tell it
   * from the model's own.
   */
  async function recordedCall(): Promise<RecordedCall | undefined> {
    if (!questions?.shared || !workflow.model.isOpen(job.request.model) || Date.now() >= attempt.deadlineAt)
      return undefined;
    return await workflow.recordedCalls.find(questions.shared).catch(() => undefined);
  }

  async function replay(call: RecordedCall): Promise<AskedAnswer> {
    workflow.onCacheLookup('shared');
    const startedAt = performance.now();
    const answer = await replayCall(call, attempt.signal, { progress: attempt.log, onLost: countLost });
    return { answer, modelMs: Math.round(performance.now() - startedAt) };
  }

  /** A cache that is out of reach keeps nothing, which costs a model call. */
  async function record(question: CachedQuestion, call: RecordedCall): Promise<void> {
    await workflow.recordedCalls.keep(question, call).catch(() => {});
  }

  /** Counts what a call has written without coming to an answer, in case the request is cancelled. */
  function countLost({ completionTokens, estimated }: PartialUsage): void {
    const before = run.state.partialUsage;
    run.state.partialUsage = {
      completionTokens: (before?.completionTokens ?? 0) + completionTokens,
      estimated: estimated || (before?.estimated ?? false),
    };
  }

  /** Returns whether the answer was kept. Requests that wait for it go on. */
  async function keep(answer: ModelAnswer, shared: SharedAnswer | undefined): Promise<boolean> {
    const waiting = await writeCache(cache, { sessionId, userId }, answer, shared);
    if (shared && waiting) {
      claimed = false;
      await wake(waiting);
    }
    return waiting !== undefined;
  }

  /** Removes what was kept of an answer whose request was cancelled, or whose session was erased, in the meantime. */
  async function forget(hashes: string[]): Promise<void> {
    // A cache that is out of reach has most likely not kept the answer either.
    await Promise.allSettled([
      cache.forgetSession(sessionId),
      cache.forgetAnswers(hashes),
      workflow.answersOfUser.forget(userId, { sessionId, hashes }),
    ]);
  }

  /** The requests that wait for the answer ask the model themselves. */
  async function giveUpClaim(hash: string): Promise<void> {
    // If the cache is out of reach, the claim's lease expires.
    await wake(await cache.release(hash, requestId).catch(() => []));
  }

  async function wake(requestIds: string[]): Promise<void> {
    if (requestIds.length > 0) await workflow.wake(requestIds).catch(() => {});
  }
}

/**
 * Counts a model call that an earlier attempt may have made before its process died without an answer. Such a call may
 * have been paid for.
 */
export function countCallCutShort({ onUncertainSpend }: Pick<ChatWorkflow, 'onUncertainSpend'>, run: Run): void {
  if (run.interrupted && !savedAnswerOf(run)) onUncertainSpend('crashed');
}

/** Shows an answer from the cache. Readers who have seen it grow, because another request asked for it, keep what they have. */
async function show(answer: ModelAnswer, log: AttemptLog): Promise<void> {
  if (await log.resume(answer.response)) return;
  log.begun(answer);
  log.text(answer.response);
}

/** The model's answer, if an earlier attempt has got it. */
const savedAnswerOf = ({ state }: Run) => state.results['ask-model'] as AskedAnswer | undefined;

/** Whether the answer is complete. An answer that was cut is only used for its own request. */
const isWhole = ({ finishReason }: ModelAnswer) => finishReason !== 'length' && finishReason !== 'content_filter';

/** The signal is also aborted when the process stops. In that case an answer that is there already is kept. */
const isCancelled = (signal: JobSignal) => signal.reason?.code === 'request_cancelled';

function throwIfCancelled(signal: JobSignal): void {
  if (isCancelled(signal)) throw signal.reason;
}
