import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { onCancelled } from '../adapters/jobs/cancellations.ts';
import { type ChatJobResult, jobIdOf, type KnownFailure, type WorkflowState } from '../adapters/jobs/chat-job.ts';
import type { JobInHand, WhereItWent } from '../adapters/jobs/job-in-hand.ts';
import type { JobRunner } from '../adapters/jobs/runner/job-runner.ts';
import type { ChatResponse } from '../contracts/chat-response.ts';
import { AnswerUnderWayError, RequestFailure, UndeliverableReplyError } from '../contracts/errors.ts';
import { safeMessage } from '../contracts/safe-message.ts';
import { traceIdOf } from '../contracts/traceparent.ts';
import { describeError } from '../observability/log.ts';
import {
  type Attempt,
  announceCancellation,
  announceFailure,
  answerRequest,
  type ChatWorkflow,
  type EarlyLookUp,
  lookUpEarly,
} from './chat/chat-workflow.ts';
import { decide, knownFailureOf } from './engine/retry-policy.ts';
import { createRun, type Run } from './engine/run.ts';

/** What the worker says of its work. */
export interface ChatWorkerEvents {
  onStarted(): void;
  onStep(step: string, result: 'ok' | 'failed', ms: number): void;
  onRetry(code: string): void;
  onFinished(status: ChatResponse['status'], code: string): void;
  /** The job has left this worker's hands, whatever became of it. */
  onReleased(): void;
}

export interface ChatWorkerOptions {
  jobs: JobRunner<EarlyLookUp>;
  /** A connection of its own to where cancelled requests are announced. */
  subscriber: Redis;
  workflow: ChatWorkflow;
  maxCrashes: number;
  events: ChatWorkerEvents;
  logger: Logger;
}

/** What one attempt at a job is done with. */
interface Task {
  job: JobInHand;
  run: Run;
  attempt: Attempt;
}

/** To announce a failure again that could not be announced. */
const ANNOUNCE_RETRY_MS = 1_000;

/**
 * Works on the jobs. An attempt ends in one of six ways: *completed*; *cancelled* by its user; *waiting*, which uses up
 * no attempt; *retried* after a backoff; *handed back*, when this process must stop; or *failed* for good, which its
 * user is told before the job is moved to the failed jobs, where an operator can retry it.
 */
export function startChatWorker(options: ChatWorkerOptions): { stop(graceMs: number): Promise<void> } {
  const { jobs, workflow, events, logger, maxCrashes } = options;
  let stopping = false;

  jobs.start(work, ({ request }) => lookUpEarly(workflow, request));
  onCancelled({
    subscriber: options.subscriber,
    callback: (requestId) => jobs.cancel(jobIdOf(requestId)),
    onRefused: (error) => logger.warn({ err: error }, 'cancellations reach this worker a second or two late'),
  });

  async function work(job: JobInHand, early: EarlyLookUp | undefined): Promise<void> {
    const { request } = job.data;
    const earlier = job.state;
    const number = job.attemptsMade + 1;
    const task: Task = {
      job,
      run: createRun({
        attempt: number,
        crashes: job.crashes,
        earlier,
        save: (state) => job.saveState(state),
        onStep: events.onStep,
      }),
      attempt: {
        number,
        startedAt: Date.now(),
        // An operator who retries a failed request wants its answer, however late. That a failure was announced says
        // nothing: the worker may have died before it moved the job.
        deadlineAt: request.deadline && !earlier?.failedAt ? Date.parse(request.deadline) : Number.POSITIVE_INFINITY,
        signal: job.signal,
      },
    };

    events.onStarted();
    try {
      const crashes = job.crashes - (earlier?.crashesForgiven ?? 0);
      const failed = earlier?.failure !== undefined || crashes > maxCrashes;
      // It is not kept among the failed ones: its user may have erased it.
      if (failed && job.cancelled) await endCancelled(task);
      else if (earlier?.failure) await failOrWait(task, earlier.failure);
      else if (crashes > maxCrashes) await failCrashed(task);
      else await answerOrDecide(task, early);
    } finally {
      events.onReleased();
    }
  }

  async function failCrashed(task: Task): Promise<void> {
    const { interrupted, state } = task.run;
    if (interrupted && !('ask-model' in state.results)) workflow.onUncertainSpend('crashed');
    await failOrWait(task, crashed);
  }

  async function answerOrDecide(task: Task, early: EarlyLookUp | undefined): Promise<void> {
    const { job, run, attempt } = task;
    let response: ChatResponse;
    try {
      response = await answerRequest(workflow, job.data, run, attempt, early);
    } catch (error) {
      return await (job.cancelled ? endCancelled(task) : decideOn(error, task));
    }
    events.onFinished('completed', '');
    if (logger.isLevelEnabled('debug')) {
      logOf(job).debug({ cached: response.cached, ...response.timings }, 'request completed');
    }
    await job.complete(summary(response, run));
  }

  async function endCancelled(task: Task): Promise<void> {
    const { job, run, attempt } = task;
    let response: ChatResponse;
    // Nobody wants the answer. If the session was erased, the answer must be kept nowhere.
    const mayBeKept = Object.keys(run.state.results).length > 0;
    run.state.results = {};
    if (mayBeKept) await job.saveState(run.state);
    try {
      response = await announceCancellation(workflow, job.data, run, attempt);
    } catch (error) {
      return await decideOn(error, task);
    }
    events.onFinished('cancelled', '');
    logOf(job).info({ step: run.state.step }, 'request cancelled');
    await job.complete(summary(response, run));
  }

  async function decideOn(error: unknown, task: Task): Promise<void> {
    if (!stopping) return await decideWhatNext(error, task);
    await task.job.saveState(task.run.state);
    await endIfGone(await task.job.handBack(), error, task);
  }

  async function decideWhatNext(error: unknown, task: Task): Promise<void> {
    if (error instanceof UndeliverableReplyError) return await failUndelivered(error, task);
    const { job, run, attempt } = task;
    const log = logOf(job);
    if (error instanceof RequestFailure && error.costlyCalls > 0) {
      run.state.costlyCalls = (run.state.costlyCalls ?? 0) + error.costlyCalls;
    }
    const decision = decide(error, {
      costlyCalls: run.state.costlyCalls ?? 0,
      attemptsMade: job.attemptsMade,
      maxAttempts: job.maxAttempts,
      deadlineAt: attempt.deadlineAt,
      now: Date.now(),
    });
    const code = codeOf(error);
    const step = run.state.step;
    if (decision.kind === 'fail') {
      log.warn({ step, attempt: attempt.number, ...describeError(error) }, 'request failed');
      return await failOrWait(task, decision.failure);
    }
    run.state.retry = { since: run.state.retry?.since ?? new Date().toISOString(), code };
    await job.saveState(run.state);
    if (decision.kind === 'retry') {
      events.onRetry(code);
      log.warn({ step, attempt: attempt.number, ...describeError(error) }, 'attempt failed, will be repeated');
      const went = await job.retry(new Error(`${step}: ${code}: ${messageOf(error)}`));
      return await endIfGone(went, error, task);
    }
    log.debug({ step, code, delayMs: decision.delayMs }, 'request waits');
    await endIfGone(await job.delay(decision.delayMs), error, task);
    if (error instanceof AnswerUnderWayError) await wakeIfForgotten(error.hash, job.data.request.requestId);
  }

  /** A job that was removed while it was in hand will never be taken up again. So its user is told that it has failed. */
  async function endIfGone(went: WhereItWent, error: unknown, task: Task): Promise<void> {
    if (went !== 'gone' || task.job.cancelled) return;
    const failure = error instanceof RequestFailure ? knownFailureOf(error) : lost;
    logOf(task.job).warn({ step: task.run.state.step, code: failure.code }, 'the job was removed before it was done');
    await announceUntilTold(task, failure);
  }

  /** For a job that is gone: nobody else can tell its user. */
  async function announceUntilTold(task: Task, failure: KnownFailure): Promise<void> {
    const { job, run, attempt } = task;
    for (;;) {
      try {
        await announceFailure(workflow, job.data, run, attempt, failure);
        events.onFinished('failed', failure.code);
        return;
      } catch (error) {
        if (stopping || error instanceof UndeliverableReplyError) throw error;
        await sleep(ANNOUNCE_RETRY_MS);
      }
    }
  }

  /** The request that asked may have ended, and have woken those that waited, before this job was one of them. */
  async function wakeIfForgotten(hash: string, requestId: string): Promise<void> {
    const willBeWoken = await workflow.cache.isAwaiting(hash, requestId).catch(() => true);
    if (!willBeWoken) await workflow.wake([requestId]);
  }

  /** Nobody can be told. The job is kept among the failed ones, with its answer. */
  async function failUndelivered(error: UndeliverableReplyError, task: Task): Promise<void> {
    const { job, run } = task;
    events.onFinished('failed', error.code);
    logOf(job).warn({ step: run.state.step, code: error.code }, 'the answer could not be delivered to its reply queue');
    await job.fail(new Error(`${run.state.step}: ${error.code}: ${error.message}`), failedState(task));
  }

  /**
   * Tells the user of a failure, and moves the job to the failed ones. The failure is written down before, so that a
   * failure that cannot be announced now is announced when the job is taken up again. A worker that dies between the two
   * leaves the same: the next one announces the failure once more, which the api knows already, and moves the job.
   */
  async function failOrWait(task: Task, failure: KnownFailure): Promise<void> {
    const { job, run, attempt } = task;
    const failedStep = run.state.steps.findLast((entry) => entry.failed)?.step ?? run.state.step;
    run.state.failure = failure;
    await job.saveState(run.state);
    try {
      await announceFailure(workflow, job.data, run, attempt, failure);
    } catch (error) {
      if (error instanceof UndeliverableReplyError) return await failUndelivered(error, task);
      logOf(job).warn(describeError(error), 'the failure could not be published, will be tried again');
      const went = await job.delay(ANNOUNCE_RETRY_MS);
      if (went === 'gone' && !job.cancelled) await announceUntilTold(task, failure);
      return;
    }
    events.onFinished('failed', failure.code);
    logOf(job).info({ code: failure.code }, 'the user was told of the failure');
    const { failure: _announced, costlyCalls: _over, ...state } = failedState(task);
    await job.fail(new Error(`${failedStep}: ${failure.code}: ${failure.cause}`), { ...state, step: failedStep });
  }

  /** The state of a job once it has failed. If it is taken again after this, an operator has retried it. */
  function failedState({ job, run }: Task): WorkflowState {
    return { ...run.state, failedAt: new Date().toISOString(), crashesForgiven: job.crashes };
  }

  function logOf({ data: { request, traceparent } }: JobInHand): Logger {
    return logger.child({ requestId: request.requestId, traceId: traceIdOf(traceparent) });
  }

  return {
    stop: (graceMs) =>
      jobs.stop(graceMs, () => {
        stopping = true;
      }),
  };
}

const crashed: KnownFailure = {
  code: 'worker_crashed',
  cause: 'the process that worked on the request died again and again',
};

/** Its job was removed, with all that was known of it. */
const lost: KnownFailure = {
  code: 'internal_error',
  cause: 'its job was removed while it was worked on',
};

const summary = (response: ChatResponse, run: Run): ChatJobResult => ({
  sessionId: response.sessionId,
  userId: response.userId,
  status: response.status,
  model: response.model,
  provider: response.provider,
  cached: response.cached,
  usage: response.usage,
  attempts: response.attempts,
  timings: response.timings,
  steps: run.state.steps,
});

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'internal_error');
const messageOf = (error: unknown) => safeMessage(error) || 'unknown error';
