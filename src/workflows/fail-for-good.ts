import { setTimeout as sleep } from 'node:timers/promises';
import type { KnownFailure, WorkflowState } from '../adapters/jobs/chat-job.ts';
import type { WhereItWent } from '../adapters/jobs/job-in-hand.ts';
import { RequestFailure, UndeliverableReplyError } from '../contracts/errors.ts';
import { describeError } from '../observability/log.ts';
import { announceFailure } from './chat/announce-end.ts';
import { knownFailureOf } from './engine/retry-policy.ts';
import { logOf, noteOutcome, type Task, type TaskSurroundings } from './task.ts';

/** The ways in which requests fail for good. Each tells the user, unless nobody can be told. */
export interface FailForGood {
  /**
   * Tells the user of a failure, and moves the job to the failed jobs. The failure is written down first. If it cannot
   * be announced now, it is announced when the job is taken up again. If a worker dies between the announcement and the
   * move, the next worker announces the failure once more, which the api recognises, and moves the job.
   */
  fail(task: Task, failure: KnownFailure): Promise<void>;
  /** The reply queue did not take the answer, so nobody can be told. The job is kept among the failed ones, with its answer. */
  failUndelivered(task: Task, error: UndeliverableReplyError): Promise<void>;
  /**
   * A job that was removed while it was in hand is never taken up again. So its user is told now that it has failed.
   * @param went what happened to the job; nothing is done unless it is gone
   * @param error the error that ended the attempt
   */
  failIfGone(task: Task, went: WhereItWent, error: unknown): Promise<void>;
}

/** How long to wait before a failure that could not be announced is announced again. */
const ANNOUNCE_RETRY_MS = 1_000;

export function createFailForGood({ workflow, events, logger, isStopping }: TaskSurroundings): FailForGood {
  async function fail(task: Task, failure: KnownFailure): Promise<void> {
    const { job, run } = task;
    noteOutcome(task, 'failed', failure.code);
    const failedStep = run.state.steps.findLast((entry) => entry.failed)?.step ?? run.state.step;
    run.state.failure = failure;
    await job.saveState(run.state);
    try {
      await announce(task, failure);
    } catch (error) {
      if (error instanceof UndeliverableReplyError) return await failUndelivered(task, error);
      logOf(logger, task).warn(describeError(error), 'the failure could not be published; trying again');
      const went = await job.delay(ANNOUNCE_RETRY_MS);
      if (went === 'gone' && !job.cancelled) await announceUntilTold(task, failure);
      return;
    }
    events.onFinished('failed', failure.code);
    logOf(logger, task).info({ code: failure.code }, 'the user was told of the failure');
    const { failure: _announced, costlyCalls: _over, ...state } = failedState(task);
    await job.fail(new Error(`${failedStep}: ${failure.code}: ${failure.cause}`), { ...state, step: failedStep });
  }

  async function failUndelivered(task: Task, error: UndeliverableReplyError): Promise<void> {
    const { job, run } = task;
    const { step } = run.state;
    events.onFinished('failed', error.code);
    noteOutcome(task, 'failed', error.code);
    logOf(logger, task).warn({ step, code: error.code }, 'the answer could not be delivered to its reply queue');
    await job.fail(new Error(`${step}: ${error.code}: ${error.message}`), failedState(task));
  }

  async function failIfGone(task: Task, went: WhereItWent, error: unknown): Promise<void> {
    if (went !== 'gone' || task.job.cancelled) return;
    const failure = error instanceof RequestFailure ? knownFailureOf(error) : jobRemoved;
    const { step } = task.run.state;
    noteOutcome(task, 'failed', failure.code);
    logOf(logger, task).warn({ step, code: failure.code }, 'the job was removed before it was done');
    await announceUntilTold(task, failure);
  }

  /** For a job that is gone: no other worker can tell its user. */
  async function announceUntilTold(task: Task, failure: KnownFailure): Promise<void> {
    for (;;) {
      try {
        await announce(task, failure);
        events.onFinished('failed', failure.code);
        return;
      } catch (error) {
        if (isStopping() || error instanceof UndeliverableReplyError) throw error;
        await sleep(ANNOUNCE_RETRY_MS);
      }
    }
  }

  const announce = ({ job, run, attempt }: Task, failure: KnownFailure) =>
    announceFailure(workflow, job.data, run, attempt, failure);

  return { fail, failUndelivered, failIfGone };
}

/** The state of a failed job. If such a job is taken again, an operator has retried it. */
function failedState({ job, run }: Task): WorkflowState {
  return { ...run.state, failedAt: new Date().toISOString(), crashesForgiven: job.crashes };
}

/** The job was removed, with everything that was known of the request. */
const jobRemoved: KnownFailure = {
  code: 'internal_error',
  cause: 'its job was removed while it was worked on',
};
