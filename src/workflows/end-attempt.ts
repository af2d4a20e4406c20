import type { ChatJobResult } from '../adapters/jobs/chat-job.ts';
import type { ChatResponse } from '../contracts/chat-response.ts';
import { AnswerUnderWayError, ModelPausedError, RequestFailure, UndeliverableReplyError } from '../contracts/errors.ts';
import type { AskedAnswer } from '../contracts/model-answer.ts';
import { safeMessage } from '../contracts/safe-message.ts';
import { traceIdOf } from '../contracts/traceparent.ts';
import { describeError } from '../observability/log.ts';
import { announceCancellation } from './chat/announce-end.ts';
import { backoffMs, decide } from './engine/retry-policy.ts';
import type { FailForGood } from './fail-for-good.ts';
import { logOf, noteOutcome, type Task, type TaskSurroundings } from './task.ts';

/** The ways in which attempts end without failing for good, and the decision between them. */
export interface EndAttempt {
  /** The response was published. */
  complete(task: Task, response: ChatResponse): Promise<void>;
  /** Publishes that the request was cancelled, and completes the job without an answer. */
  cancel(task: Task): Promise<void>;
  /** Decides what follows an error: the job is handed back, waits, is retried, or fails for good. */
  decideOn(task: Task, error: unknown): Promise<void>;
}

export function createEndAttempt(surroundings: TaskSurroundings, failForGood: FailForGood): EndAttempt {
  const { workflow, events, logger, isStopping } = surroundings;

  async function complete(task: Task, response: ChatResponse): Promise<void> {
    events.onFinished('completed', '');
    noteOutcome(task, 'completed');
    const trouble = troubleOf(task);
    const level = trouble ? 'info' : 'debug';
    if (logger.isLevelEnabled(level)) {
      const { cached, provider, timings } = response;
      logOf(logger, task)[level]({ cached, ...(trouble && { ...trouble, provider }), ...timings }, 'request completed');
    }
    await task.job.complete(resultOf(response, task));
  }

  async function cancel(task: Task): Promise<void> {
    const { job, run, attempt } = task;
    let response: ChatResponse;
    // Nobody wants the answer. If the session was erased, no copy of the answer may stay.
    const mayBeKept = Object.keys(run.state.results).length > 0;
    run.state.results = {};
    if (mayBeKept) await job.saveState(run.state);
    try {
      response = await announceCancellation(workflow, job.data, run, attempt);
    } catch (error) {
      return await decideOn(task, error);
    }
    events.onFinished('cancelled', '');
    noteOutcome(task, 'cancelled');
    logOf(logger, task).info({ step: run.state.step }, 'request cancelled');
    await job.complete(resultOf(response, task));
  }

  async function decideOn(task: Task, error: unknown): Promise<void> {
    if (isStopping()) return await handBack(task, error);
    if (error instanceof UndeliverableReplyError) return await failForGood.failUndelivered(task, error);
    const { job, run, attempt } = task;
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
    switch (decision.kind) {
      case 'fail':
        logOf(logger, task).warn(inTask(task, error), 'request failed');
        return await failForGood.fail(task, decision.failure);
      case 'retry':
        return await retry(task, error);
      case 'wait':
        return await wait(task, error, decision.delayMs);
    }
  }

  /** Gives the job to another process, because this one must stop. */
  async function handBack(task: Task, error: unknown): Promise<void> {
    noteOutcome(task, 'handed back');
    await task.attempt.log?.close();
    await task.job.saveState(task.run.state);
    await failForGood.failIfGone(task, await task.job.handBack(), error);
  }

  async function retry(task: Task, error: unknown): Promise<void> {
    const code = codeOf(error);
    const { step } = task.run.state;
    await saveWhyItGoesOn(task, code);
    events.onRetry(code);
    noteOutcome(task, 'retried', code);
    logOf(logger, task).warn(inTask(task, error), 'attempt failed, will be repeated');
    const { retryBaseMs: baseMs, retryMaxMs: maxMs } = workflow.settings;
    const delayMs = backoffMs(task.job.attemptsMade + 1, { baseMs, maxMs });
    await tellRetry(task, code, delayMs);
    const why = new Error(`${step}: ${code}: ${safeMessage(error) || 'unknown error'}`);
    const went = await task.job.retry(why, delayMs);
    await failForGood.failIfGone(task, went, error);
  }

  async function wait(task: Task, error: unknown, delayMs: number): Promise<void> {
    const code = codeOf(error);
    noteOutcome(task, 'waiting', code);
    const paused = error instanceof ModelPausedError;
    if (paused && error.gate !== undefined) task.run.turnedAway(error.gate);
    await saveWhyItGoesOn(task, code);
    logOf(logger, task).debug({ step: task.run.state.step, code, delayMs }, 'request waits');
    if (!(error instanceof AnswerUnderWayError)) await tellRetry(task, code, delayMs);
    const awaitedModel = paused ? (task.job.data.request.model ?? '') : undefined;
    await failForGood.failIfGone(task, await task.job.delay(delayMs, { awaitedModel }), error);
    // A model's gate has opened since the attempt began. This job may not have been among the delayed ones by then.
    if (paused && workflow.awaitingModel.openings !== task.openings) workflow.awaitingModel.look();
    if (error instanceof AnswerUnderWayError) await wakeIfForgotten(error.hash, task.job.data.request.requestId);
  }

  /** Tells readers. What this attempt writes after the next one has begun would be lost, so this waits for the log. */
  async function tellRetry({ attempt: { log } }: Task, code: string, delayMs: number): Promise<void> {
    log?.retrying({ code, nextAt: new Date(Date.now() + delayMs).toISOString() });
    await log?.close();
  }

  /** Saves why the request has not ended, for a user who asks. */
  async function saveWhyItGoesOn({ job, run }: Task, code: string): Promise<void> {
    run.state.retry = { since: run.state.retry?.since ?? new Date().toISOString(), code };
    await job.saveState(run.state);
  }

  /** The other request may have ended, and woken those that waited, just before this job was added to them. */
  async function wakeIfForgotten(hash: string, requestId: string): Promise<void> {
    const willBeWoken = await workflow.cache.isAwaiting(hash, requestId).catch(() => true);
    if (!willBeWoken) await workflow.wake([requestId]);
  }

  return { complete, cancel, decideOn };
}

const inTask = ({ run, attempt }: Task, error: unknown) => ({
  step: run.state.step,
  attempt: attempt.number,
  ...describeError(error),
});

const resultOf = (response: ChatResponse, { job, run }: Task): ChatJobResult => ({
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
  traceId: traceIdOf(job.data.traceparent),
  ...(response.answerKey !== undefined && { answerKey: response.answerKey }),
});

/** What did not go smoothly before the request was completed. undefined: nothing. */
function troubleOf({
  job,
  run,
  attempt,
}: Task): { attempts: number; crashes: number; byFallback: boolean } | undefined {
  const asked = run.state.results['ask-model'] as AskedAnswer | undefined;
  const byFallback = asked?.answer.byFallback ?? false;
  if (attempt.number === 1 && job.crashes === 0 && !byFallback) return undefined;
  return { attempts: attempt.number, crashes: job.crashes, byFallback };
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'internal_error');
