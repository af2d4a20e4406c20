import { ErrorCode, type IQueueBackend, type KeepJobs, type MinimalJob } from 'bullmq';
import type { Logger } from 'pino';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import type { WhereItWent } from '../job-in-hand.ts';
import { STACK_LINES_KEPT } from '../job-queue.ts';
import { UnusableJobError } from '../read-job-data.ts';
import { AWAITING_MODEL_FIELD, awaitingModelOf, USER_FIELD } from '../redis-scripts/bullmq-layout.ts';
import { handBackJob } from '../redis-scripts/hand-back-job.ts';
import { rememberFinished } from '../redis-scripts/remember-finished.ts';
import { untilStored } from '../until-stored.ts';
import type { ActiveJob, JobWrites } from './active-job.ts';
import type { LockKeeper } from './lock-keeper.ts';

/**
 * BullMQ's codes for a job that this process no longer has, or that is not where it was. A second try would not help.
 */
const NOT_OURS: readonly unknown[] = [ErrorCode.JobLockNotExist, ErrorCode.JobNotInState, ErrorCode.JobLockMismatch];

/**
 * The rarer ways to end the work on a job. Most are BullMQ's scripts, which require a lock on the job. Each waits while
 * Redis cannot serve, as a completion does, and costs two to four round trips. The name of the user is written into a
 * job that may come back, so that it can be put into that user's turn in line.
 * @param options.token identifies this process in the locks
 * @param options.redeliveryWindowMs how long a failed request is recognised, even when its job is no longer kept
 */
export function createJobMoves(options: {
  backend: IQueueBackend;
  redis: Redis;
  toKey: (type: string) => string;
  token: string;
  lock: LockKeeper['lock'];
  /** How many failed jobs are kept, and for how many seconds. */
  failedJobs: KeepJobs;
  redeliveryWindowMs: number;
  /** The job is about to be moved to the failed ones. */
  noteFailed: (job: ActiveJob, error: Error) => Promise<void>;
  logger: Logger;
}): Pick<JobWrites, 'retry' | 'fail' | 'delay' | 'handBack'> {
  const { backend, redis, toKey, token, lock, failedJobs, redeliveryWindowMs, noteFailed, logger } = options;

  const move = (job: ActiveJob, how: () => Promise<unknown>): Promise<WhereItWent> =>
    untilStored(async () => {
      const { lost, gone } = await lock([job]);
      if (lost.has(job.id)) return gone.has(job.id) ? 'gone' : 'lost';
      return await orStoreUnavailable(how().then((): WhereItWent => 'moved', whereItWas));
    }, logger);

  /** The failure, together with those of earlier attempts, as an operator sees it. */
  async function failureFields(job: ActiveJob, error: Error): Promise<{ failedReason: string; stacktrace: string }> {
    const earlier = JSON.parse((await redis.hget(toKey(job.id), 'stacktrace')) ?? '[]') as string[];
    const stacktrace = [...earlier, `${error.name}: ${error.message}`].slice(-STACK_LINES_KEPT);
    return { failedReason: error.message, stacktrace: JSON.stringify(stacktrace) };
  }

  return {
    retry: (job, error, delayMs) =>
      move(job, async () =>
        backend.moveToDelayed(job.id, Date.now(), delayMs, token, {
          fieldsToUpdate: {
            ...(await failureFields(job, error)),
            [USER_FIELD]: job.user,
            [AWAITING_MODEL_FIELD]: awaitingModelOf(undefined),
          },
        }),
      ),
    fail: (job, error, progress) =>
      move(job, async () => {
        const fields = { ...(await failureFields(job, error)), progress, [USER_FIELD]: job.user };
        // Nobody told the user about a job with unusable data. So if its message comes again, the request gets another
        // chance.
        if (error instanceof UnusableJobError) Object.assign(fields, { data: job.shownData });
        else await rememberFinished(redis, toKey, [job.id], { windowMs: redeliveryWindowMs });
        await noteFailed(job, error);
        const minimal = { id: job.id, opts: { attempts: job.maxAttempts } } as MinimalJob;
        await backend.moveToFailed(minimal, fields.failedReason, failedJobs, token, false, fields);
      }),
    delay: (job, ms, { awaitedModel }) =>
      move(job, () =>
        backend.moveToDelayed(job.id, Date.now(), Math.max(0, ms), token, {
          skipAttempt: true,
          fieldsToUpdate: { [USER_FIELD]: job.user, [AWAITING_MODEL_FIELD]: awaitingModelOf(awaitedModel) },
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

/** @throws the error, unless it says that this process no longer has the job */
function whereItWas(error: { code?: unknown }): WhereItWent {
  if (error.code === ErrorCode.JobNotExist) return 'gone';
  if (NOT_OURS.includes(error.code)) return 'lost';
  throw error;
}
