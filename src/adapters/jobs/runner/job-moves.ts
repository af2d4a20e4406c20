import { ErrorCode, type IQueueBackend, type KeepJobs, type MinimalJob } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { WhereItWent } from '../job-in-hand.ts';
import { STACK_LINES_KEPT } from '../job-queue.ts';
import { UnusableJobError } from '../read-job-data.ts';
import { USER_FIELD } from '../redis-scripts/bullmq-layout.ts';
import { handBackJob } from '../redis-scripts/hand-back-job.ts';
import { rememberFinished } from '../redis-scripts/remember-finished.ts';
import { untilStored } from '../until-stored.ts';
import type { ActiveJob, JobWrites } from './active-job.ts';
import type { LockKeeper } from './lock-keeper.ts';

/** BullMQ's codes for a job that is no longer ours, or is not where it was. Trying again would change nothing. */
const NOT_OURS: readonly unknown[] = [ErrorCode.JobLockNotExist, ErrorCode.JobNotInState, ErrorCode.JobLockMismatch];

/**
 * The rarer ways to let go of a job. Most are BullMQ's scripts, which require that the job is locked. Each waits for a Redis
 * that cannot serve, as a completion does. Each costs two to four round trips. A job that may come back gets the name of its
 * user written into it, so that it can be put into that user's turn in line.
 * @param options.token what this process is called in the locks
 * @param options.redeliveryWindowMs for how long a failed request is recognised, also when its job is no longer kept
 */
export function createJobMoves(options: {
  backend: IQueueBackend;
  redis: Redis;
  toKey: (type: string) => string;
  token: string;
  lock: LockKeeper['lock'];
  /** How many failed jobs are kept, and for how many seconds. */
  failedJobs: KeepJobs;
  backoffMs: (attemptsMade: number) => number;
  redeliveryWindowMs: number;
  logger: Logger;
}): Pick<JobWrites, 'retry' | 'fail' | 'delay' | 'handBack'> {
  const { backend, redis, toKey, token, lock, failedJobs, backoffMs, redeliveryWindowMs, logger } = options;

  const move = (job: ActiveJob, how: () => Promise<unknown>): Promise<WhereItWent> =>
    untilStored(async () => {
      const { lost, gone } = await lock([job]);
      if (lost.has(job.id)) return gone.has(job.id) ? 'gone' : 'lost';
      return await orStoreUnavailable(how().then((): WhereItWent => 'moved', whereItWas));
    }, logger);

  /** The failure as an operator sees it, together with those of earlier attempts. */
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
          fieldsToUpdate: { ...(await failureFields(job, error)), [USER_FIELD]: job.user },
        }),
      );
    },
    fail: (job, error, progress) =>
      move(job, async () => {
        const fields = { ...(await failureFields(job, error)), progress, [USER_FIELD]: job.user };
        // The user was not told about a job that nobody can work on. If its message comes again, that is another chance.
        if (error instanceof UnusableJobError) Object.assign(fields, { data: job.shownData });
        else await rememberFinished(redis, toKey, [job.id], { windowMs: redeliveryWindowMs });
        const minimal = { id: job.id, opts: { attempts: job.maxAttempts } } as MinimalJob;
        await backend.moveToFailed(minimal, fields.failedReason, failedJobs, token, false, fields);
      }),
    delay: (job, ms) =>
      move(job, () =>
        backend.moveToDelayed(job.id, Date.now(), Math.max(0, ms), token, {
          skipAttempt: true,
          fieldsToUpdate: { [USER_FIELD]: job.user },
        }),
      ),
    handBack: (job) =>
      untilStored(async () => {
        const went = await orStoreUnavailable(handBackJob(redis, toKey, job));
        if (went !== 'moved' && !job.cancelled) logger.warn({ jobs: 1 }, 'jobs were lost: others may take them up');
        return went;
      }, logger),
  };
}

/** @throws the error, unless it says that the job is no longer ours */
function whereItWas(error: { code?: unknown }): WhereItWent {
  if (error.code === ErrorCode.JobNotExist) return 'gone';
  if (NOT_OURS.includes(error.code)) return 'lost';
  throw error;
}
