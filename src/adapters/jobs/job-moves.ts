import { ErrorCode, type IQueueBackend, type KeepJobs, type MinimalJob } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { ActiveJob, Hands, WhereItWent } from './job-in-hand.ts';
import type { JobLocks } from './job-locks.ts';
import { STACK_LINES_KEPT } from './job-queue.ts';
import { untilStored } from './until-stored.ts';

/** BullMQ's answers that say a job is no longer ours, or not where it was. Trying again would change nothing. */
const NOT_OURS: readonly unknown[] = [ErrorCode.JobLockNotExist, ErrorCode.JobNotInState, ErrorCode.JobLockMismatch];

/**
 * The rarer ways to let go of a job, each by a script of BullMQ's, which wants the job locked. Each waits for a Redis that
 * cannot serve, as a completion does. Three round trips.
 * @param options.token what this process is called in the locks
 * @param options.giveSign tells those that wait for jobs that there is one
 */
export function createJobMoves(options: {
  backend: IQueueBackend;
  redis: Redis;
  toKey: (type: string) => string;
  token: string;
  locks: JobLocks;
  /** How many failed jobs are kept, and for how many seconds. */
  failedJobs: KeepJobs;
  backoffMs: (attemptsMade: number) => number;
  giveSign: () => Promise<unknown>;
  logger: Logger;
}): Pick<Hands, 'retry' | 'fail' | 'delay' | 'handBack'> {
  const { backend, redis, toKey, token, locks, failedJobs, backoffMs, giveSign, logger } = options;

  const move = (job: ActiveJob, how: () => Promise<unknown>): Promise<WhereItWent> =>
    untilStored(async () => {
      const { lost, gone } = await locks.lock([job]);
      if (lost.has(job.id)) return gone.has(job.id) ? 'gone' : 'lost';
      return await orStoreUnavailable(how().then((): WhereItWent => 'moved', whereItWas));
    }, logger);

  /** What an operator sees of the failure, beside those of earlier attempts. */
  async function failureFields(job: ActiveJob, error: Error): Promise<{ failedReason: string; stacktrace: string }> {
    const earlier = JSON.parse((await redis.hget(toKey(job.id), 'stacktrace')) ?? '[]') as string[];
    const stacktrace = [...earlier, `${error.name}: ${error.message}`].slice(-STACK_LINES_KEPT);
    return { failedReason: error.message, stacktrace: JSON.stringify(stacktrace) };
  }

  return {
    retry: (job, error) => {
      const delayMs = backoffMs(job.attemptsMade + 1);
      return move(job, async () =>
        backend.moveToDelayed(job.id, Date.now(), delayMs, token, {
          fieldsToUpdate: await failureFields(job, error),
        }),
      );
    },
    fail: (job, error, progress) =>
      move(job, async () => {
        const fields = { ...(await failureFields(job, error)), progress };
        const minimal = { id: job.id, opts: { attempts: job.maxAttempts } } as MinimalJob;
        await backend.moveToFailed(minimal, fields.failedReason, failedJobs, token, false, fields);
      }),
    delay: (job, ms) =>
      move(job, () => backend.moveToDelayed(job.id, Date.now(), Math.max(0, ms), token, { skipAttempt: true })),
    handBack: (job) =>
      move(job, async () => {
        await backend.moveJobFromActiveToWait(job.id, token);
        await giveSign();
      }),
  };
}

/** @throws the error, if it does not say that the job is no longer ours */
function whereItWas(error: { code?: unknown }): WhereItWent {
  if (error.code === ErrorCode.JobNotExist) return 'gone';
  if (NOT_OURS.includes(error.code)) return 'lost';
  throw error;
}
