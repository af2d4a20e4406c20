import { DelayedError, type Job, UnrecoverableError, WaitingError, withBackend } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { createBatchingBackend } from '../adapters/jobs/batching-backend.ts';
import { type ChatJobData, type ChatJobResult, jobIdOf } from '../adapters/jobs/chat-job.ts';
import { createJobStates } from '../adapters/jobs/job-states.ts';
import { createCancelledCheck, onCancelled } from '../adapters/redis/cancellations.ts';
import type { ChatResponse, Failure } from '../contracts/chat-response.ts';
import { AnswerUnderWayError, CancelledError } from '../contracts/errors.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../contracts/queues.ts';
import { traceIdOf } from '../contracts/traceparent.ts';
import { describeError } from '../observability/log.ts';
import {
  type Attempt,
  announceCancellation,
  announceFailure,
  answerRequest,
  type ChatWorkflow,
} from './chat/chat-workflow.ts';
import { backoffMs, decide } from './engine/retry-policy.ts';
import { createRun, type Run } from './engine/run.ts';

type ChatJob = Job<ChatJobData, ChatJobResult>;

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
  /** Where the jobs are. */
  redis: Redis;
  /** A connection of its own to the same. */
  subscriber: Redis;
  workflow: ChatWorkflow;
  concurrency: number;
  retryBaseMs: number;
  retryMaxMs: number;
  maxCrashes: number;
  completedJobsKept: number;
  completedJobsAgeMs: number;
  failedJobsKept: number;
  failedJobsAgeMs: number;
  events: ChatWorkerEvents;
  logger: Logger;
}

/** What one attempt at a job is done with. */
interface Task {
  job: ChatJob;
  token: string | undefined;
  run: Run;
  attempt: Attempt;
}

/** A job whose worker died is taken up by another after the lock has run out and the next check has seen it. */
const LOCK_MS = 10_000;
const STALLED_CHECK_MS = 4_000;
const REDIS_RETRY_MS = 1_000;

/**
 * Works on the jobs. An attempt ends in one of five ways: *completed*; *cancelled* by its user; *waiting*, which uses up
 * no attempt; *retried* after a backoff; or *failed* for good, which its user is told before the job is moved to the
 * failed jobs, where an operator can retry it.
 */
export function startChatWorker(options: ChatWorkerOptions): { stop(graceMs: number): Promise<void> } {
  const { redis, workflow, events, logger, maxCrashes, retryBaseMs, retryMaxMs } = options;
  const isCancelled = createCancelledCheck(redis);
  let stopping = false;

  const { completedJobsKept, completedJobsAgeMs } = options;
  const backend = createBatchingBackend({ redis, lockMs: LOCK_MS, completedJobsKept, completedJobsAgeMs });
  const { Worker } = withBackend(backend);
  const worker = new Worker<ChatJobData, ChatJobResult>(JOBS_QUEUE, processJob, {
    connection: redis,
    prefix: JOBS_PREFIX,
    concurrency: options.concurrency,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    // A job that keeps killing its worker is failed by `processJob`, which also tells its user; BullMQ's own limit
    // would fail it in silence.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    runRetryDelay: REDIS_RETRY_MS,
    removeOnFail: { count: options.failedJobsKept, age: options.failedJobsAgeMs / 1000 },
    settings: {
      backoffStrategy: (attemptsMade) => backoffMs(attemptsMade, { baseMs: retryBaseMs, maxMs: retryMaxMs }),
    },
  });
  const { saveState } = createJobStates(redis, (jobId) => worker.toKey(jobId));
  // Losses of the connection are told by the connection.
  worker.on('error', (error) => logger.debug({ err: error }, 'BullMQ worker'));
  onCancelled(options.subscriber, (requestId) => worker.cancelJob(jobIdOf(requestId), 'cancelled')).catch((error) =>
    logger.warn({ err: error }, 'cancellations reach this worker only at the start of a request'),
  );

  // BullMQ gives a signal to functions that take three parameters.
  async function processJob(
    job: ChatJob,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ChatJobResult> {
    const { request, workflow: earlier } = job.data;
    const task: Task = {
      job,
      token,
      run: createRun({
        attempt: job.attemptsMade + 1,
        crashes: job.stalledCounter,
        earlier,
        save: (state) => saveState(job, state),
        onStep: events.onStep,
      }),
      attempt: {
        number: job.attemptsMade + 1,
        startedAt: Date.now(),
        // An operator who retries a failed request wants its answer, however late.
        deadlineAt: request.deadline && !earlier?.failedAt ? Date.parse(request.deadline) : Number.POSITIVE_INFINITY,
        signal: signal!,
        isCancelled: () => isCancelled(request.requestId),
      },
    };

    events.onStarted();
    try {
      const failure = earlier?.failure ?? (job.stalledCounter > maxCrashes ? crashed : undefined);
      if (failure) return await fail(task, failure);
      return await answerUnlessCancelled(task);
    } catch (error) {
      if (error instanceof UnrecoverableError) throw error;
      if (stopping) return await handBack(task);
      return await decideOn(error, task);
    } finally {
      events.onReleased();
    }
  }

  async function answerUnlessCancelled(task: Task): Promise<ChatJobResult> {
    const { job, run, attempt } = task;
    try {
      const response = await answerRequest(workflow, job.data, run, attempt);
      events.onFinished('completed', '');
      if (logger.isLevelEnabled('debug')) {
        logOf(job).debug({ cached: response.cached, ...response.timings }, 'request completed');
      }
      return summary(response, run);
    } catch (error) {
      const cancelled = error instanceof CancelledError || (attempt.signal.aborted && (await attempt.isCancelled()));
      if (!cancelled) throw error;
      const response = await announceCancellation(workflow, job.data, run, attempt);
      events.onFinished('cancelled', '');
      logOf(job).info({ step: run.state.step }, 'request cancelled');
      return summary(response, run);
    }
  }

  async function decideOn(error: unknown, task: Task): Promise<never> {
    const { job, run, attempt } = task;
    const log = logOf(job);
    const decision = decide(error, {
      attemptsMade: job.attemptsMade,
      maxAttempts: job.opts.attempts ?? 1,
      deadlineAt: attempt.deadlineAt,
      now: Date.now(),
    });
    const code = codeOf(error);
    const step = run.state.step;
    if (decision.kind === 'fail') {
      log.warn({ step, attempt: attempt.number, ...describeError(error) }, 'request failed');
      return await failOrWait(task, decision.failure);
    }
    await saveState(job, run.state);
    if (decision.kind === 'retry') {
      events.onRetry(code);
      log.warn({ step, attempt: attempt.number, ...describeError(error) }, 'attempt failed, will be repeated');
      throw withoutStack(new Error(`${step}: ${code}: ${messageOf(error)}`));
    }
    log.debug({ step, code, delayMs: decision.delayMs }, 'request waits');
    await moveToDelayed(task, decision.delayMs);
    if (error instanceof AnswerUnderWayError) await wakeIfForgotten(error.hash, job.data.request.requestId);
    throw new DelayedError();
  }

  /** Whoever asked may have been done, and have woken those that waited, before this job was one of them. */
  async function wakeIfForgotten(hash: string, requestId: string): Promise<void> {
    const willBeWoken = await workflow.cache.isAwaiting(hash, requestId).catch(() => true);
    if (!willBeWoken) await workflow.wake([requestId]);
  }

  async function fail({ job, run, attempt }: Task, failure: Failure): Promise<never> {
    const failedStep = run.state.steps.findLast((entry) => entry.failed)?.step ?? run.state.step;
    await announceFailure(workflow, job.data, run, attempt, failure);
    events.onFinished('failed', failure.code);
    const { failure: _announced, ...state } = run.state;
    await saveState(job, { ...state, step: failedStep, failedAt: new Date().toISOString() });
    logOf(job).info({ code: failure.code }, 'the user was told of the failure');
    throw withoutStack(new UnrecoverableError(`${failedStep}: ${failure.code}: ${failure.message}`));
  }

  /** A failure that cannot be announced now is written down, and announced when the job is taken up again. */
  async function failOrWait(task: Task, failure: Failure): Promise<never> {
    const { job, run } = task;
    run.state.failure = failure;
    await saveState(job, run.state);
    try {
      return await fail(task, failure);
    } catch (error) {
      if (error instanceof UnrecoverableError) throw error;
      logOf(job).warn(describeError(error), 'the failure could not be published, will be tried again');
      await moveToDelayed(task, REDIS_RETRY_MS);
      throw new DelayedError();
    }
  }

  /** Gives a job back to the queue as it is, for another worker. */
  async function handBack({ job, token, run }: Task): Promise<never> {
    await saveState(job, run.state);
    await job.moveToWait(token);
    throw new WaitingError();
  }

  function logOf({ data: { request, traceparent } }: ChatJob): Logger {
    return logger.child({ requestId: request.requestId, traceId: traceIdOf(traceparent) });
  }

  return {
    stop: async (graceMs) => {
      const timer = setTimeout(() => {
        stopping = true;
        worker.cancelAllJobs('the worker is stopping');
      }, graceMs);
      await worker.close();
      clearTimeout(timer);
    },
  };
}

const crashed: Failure = {
  code: 'worker_crashed',
  message: 'The process that worked on the request died again and again.',
  retryable: false,
};

const moveToDelayed = ({ job, token }: Task, delayMs: number) => job.moveToDelayed(Date.now() + delayMs, token);

const summary = (response: ChatResponse, run: Run): ChatJobResult => ({
  status: response.status,
  model: response.model,
  provider: response.provider,
  cached: response.cached,
  usage: response.usage,
  attempts: response.attempts,
  timings: response.timings,
  steps: run.state.steps,
});

/** For an error that is kept in its job: where we made it tells an operator nothing. */
function withoutStack(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'internal_error');
const messageOf = (error: unknown) => (error instanceof Error ? error.message : 'unknown error');
