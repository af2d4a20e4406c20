import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { ChatJobData, ChatJobResult, WorkflowState } from '../adapters/jobs/chat-job.ts';
import type { ChatResponse, Failure } from '../contracts/chat-response.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../contracts/queues.ts';
import { traceIdOf } from '../contracts/traceparent.ts';
import { type Attempt, announceFailure, answerRequest, type ChatWorkflow } from './chat/chat-workflow.ts';
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
  connection: Redis;
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

/** A job whose worker died is taken up by another after the lock has run out and the next check has seen it. */
const LOCK_MS = 10_000;
const STALLED_CHECK_MS = 4_000;
const REDIS_RETRY_MS = 1_000;

/**
 * Works on the jobs. An attempt ends in one of four ways: *completed*; *waiting*, which uses up no attempt; *retried*
 * after a backoff; or *failed* for good, which its user is told before the job is moved to the failed jobs, where an
 * operator can retry it.
 */
export function startChatWorker(options: ChatWorkerOptions): { stop(graceMs: number): Promise<void> } {
  const { workflow, events, logger, maxCrashes, retryBaseMs, retryMaxMs } = options;
  const stopping = new AbortController();

  const worker = new Worker<ChatJobData, ChatJobResult>(JOBS_QUEUE, processJob, {
    connection: options.connection,
    prefix: JOBS_PREFIX,
    concurrency: options.concurrency,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    // A job that keeps killing its worker is failed by `processJob`, which also tells its user; BullMQ's own limit
    // would fail it in silence.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    runRetryDelay: REDIS_RETRY_MS,
    removeOnComplete: { count: options.completedJobsKept, age: options.completedJobsAgeMs / 1000 },
    removeOnFail: { count: options.failedJobsKept, age: options.failedJobsAgeMs / 1000 },
    settings: {
      backoffStrategy: (attemptsMade) => backoffMs(attemptsMade, { baseMs: retryBaseMs, maxMs: retryMaxMs }),
    },
  });
  // Losses of the connection are told by the connection.
  worker.on('error', (error) => logger.debug({ err: error }, 'BullMQ worker'));

  async function processJob(job: ChatJob, token?: string, cancelled?: AbortSignal): Promise<ChatJobResult> {
    const { request, workflow: earlier } = job.data;
    const log = logger.child({ requestId: request.requestId, traceId: traceIdOf(job.data.traceparent) });
    const run = createRun({
      attempt: job.attemptsMade + 1,
      earlier,
      save: (state) => saveState(job, state),
      onStep: events.onStep,
    });
    const attempt: Attempt = {
      number: job.attemptsMade + 1,
      startedAt: Date.now(),
      // An operator who retries a failed request wants its answer, however late.
      deadlineAt: request.deadline && !earlier?.failedAt ? Date.parse(request.deadline) : Number.POSITIVE_INFINITY,
      signal: cancelled ? AbortSignal.any([cancelled, stopping.signal]) : stopping.signal,
    };

    events.onStarted();
    try {
      const failure = earlier?.failure ?? (job.stalledCounter > maxCrashes ? crashed : undefined);
      if (failure) return await fail(job, run, attempt, failure, log);
      const response = await answerRequest(workflow, job.data, run, attempt);
      events.onFinished(response.status, '');
      log.debug({ cached: response.cached, ...response.timings }, 'request completed');
      return summary(response, run);
    } catch (error) {
      if (error instanceof UnrecoverableError) throw error;
      if (stopping.signal.aborted) return await handBack(job, token, run);
      const decision = decide(error, {
        attemptsMade: job.attemptsMade,
        maxAttempts: job.opts.attempts ?? 1,
        deadlineAt: attempt.deadlineAt,
        now: Date.now(),
      });
      const code = codeOf(error);
      const step = run.state.step;
      if (decision.kind === 'fail') {
        log.warn({ step, attempt: attempt.number, err: error }, 'request failed');
        return await failOrWait(job, token, run, attempt, decision.failure, log);
      }
      await saveState(job, run.state);
      if (decision.kind === 'wait') {
        log.info({ step, code, delayMs: decision.delayMs }, 'request waits');
        return await delay(job, token, decision.delayMs);
      }
      events.onRetry(code);
      log.warn({ step, attempt: attempt.number, err: error }, 'attempt failed, will be repeated');
      throw new Error(`${step}: ${code}: ${messageOf(error)}`);
    } finally {
      events.onReleased();
    }
  }

  async function fail(job: ChatJob, run: Run, attempt: Attempt, failure: Failure, log: Logger): Promise<never> {
    await announceFailure(workflow, job.data, run, attempt, failure);
    events.onFinished('failed', failure.code);
    const failedStep = run.state.steps.findLast((entry) => entry.failed)?.step ?? run.state.step;
    const { failure: _announced, ...state } = run.state;
    await saveState(job, { ...state, step: failedStep, failedAt: new Date().toISOString() });
    log.info({ code: failure.code }, 'the user was told of the failure');
    throw new UnrecoverableError(`${failedStep}: ${failure.code}: ${failure.message}`);
  }

  /** A failure that cannot be announced now is written down, and announced when the job is taken up again. */
  async function failOrWait(
    job: ChatJob,
    token: string | undefined,
    run: Run,
    attempt: Attempt,
    failure: Failure,
    log: Logger,
  ): Promise<never> {
    run.state.failure = failure;
    await saveState(job, run.state);
    try {
      return await fail(job, run, attempt, failure, log);
    } catch (error) {
      if (error instanceof UnrecoverableError) throw error;
      log.warn({ err: error }, 'the failure could not be published, will be tried again');
      return await delay(job, token, REDIS_RETRY_MS);
    }
  }

  return {
    stop: async (graceMs) => {
      const timer = setTimeout(() => stopping.abort(new Error('the worker is stopping')), graceMs);
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

async function saveState(job: ChatJob, state: WorkflowState): Promise<void> {
  await job.updateData({ ...job.data, workflow: state });
}

async function delay(job: ChatJob, token: string | undefined, delayMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}

/** Gives a job back to the queue as it is, for another worker. */
async function handBack(job: ChatJob, token: string | undefined, run: Run): Promise<never> {
  await saveState(job, run.state);
  await job.moveToWait(token);
  throw new WaitingError();
}

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

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'internal_error');
const messageOf = (error: unknown) => (error instanceof Error ? error.message : 'unknown error');
