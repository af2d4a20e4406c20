import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { CLASSES } from './fair-order.ts';
import type { JobShards } from './job-shards.ts';
import { findJobsOf, JOB_PLACES } from './redis-scripts/find-jobs-of.ts';
import { forgetEnded } from './redis-scripts/forget-ended.ts';
import { partsOf } from './search/ended-line.ts';
import { requestIdOf } from './search/read-job.ts';

const LOOKED_AT_TOGETHER = 500;
const ELEMENTS_TOGETHER = 100;
const ENDED_STATES = ['completed', 'failed'] as const;

/** A job, with its session, and the key of its answer in the cache; '': not known. */
export interface JobOfUser {
  requestId: string;
  sessionId: string;
  answerKey: string;
}

/** Whose jobs are meant: all of a user, or those of one session. */
export interface JobsOf {
  userId: string;
  sessionId?: string | undefined;
}

/** What is kept of a user, or of one of the user's sessions, with the jobs. All reject with StoreUnavailableError. */
export interface UsersJobs {
  /** From now on, for ever, no job of the user is added. Whoever brings one is told so. */
  refuse(userId: string): Promise<void>;
  /** Whether `refuse` was called for all shards. */
  areRefused(userId: string): Promise<boolean>;
  /** Finds the jobs, in every state and every shard. Looks at all jobs: 500 in a round trip. */
  find(of: JobsOf): Promise<JobOfUser[]>;
  /** Counts the lines of the search that are about these jobs. */
  countLines(of: JobsOf): Promise<number>;
  /** Removes those lines. */
  eraseLines(of: JobsOf): Promise<void>;
  /** Counts the user's places in the lines. */
  countPlaces(userId: string): Promise<number>;
  erasePlaces(userId: string): Promise<void>;
}

/** @param redis the connection that the shards were opened with */
export function createUsersJobs({ all }: JobShards, redis: Redis): UsersJobs {
  async function find({ userId, sessionId }: JobsOf): Promise<JobOfUser[]> {
    const found = new Map<string, JobOfUser>();
    for (const { toKey } of all) {
      for (const place of JOB_PLACES) {
        for (let skip = 0; ; skip += LOOKED_AT_TOGETHER) {
          const some = await findJobsOf(redis, toKey, userId, { place, skip, count: LOOKED_AT_TOGETHER });
          for (const job of some.found) {
            const requestId = requestIdOf(job.jobId);
            if (requestId === undefined || (sessionId !== undefined && job.sessionId !== sessionId)) continue;
            found.set(job.jobId, { requestId, sessionId: job.sessionId, answerKey: job.answerKey });
          }
          if (some.looked < LOOKED_AT_TOGETHER) break;
        }
      }
    }
    return [...found.values()];
  }

  async function countLines(of: JobsOf): Promise<number> {
    const part = partOf(of);
    let lines = 0;
    for (const { toKey } of all) {
      for (const state of ENDED_STATES) {
        for (let first = 0; ; first += ELEMENTS_TOGETHER) {
          const elements = await redis.lrange(toKey(`${state}-log`), first, first + ELEMENTS_TOGETHER - 1);
          for (const element of elements) lines += element.split(part).length - 1;
          if (elements.length < ELEMENTS_TOGETHER) break;
        }
      }
    }
    return lines;
  }

  async function eraseLines(of: JobsOf): Promise<void> {
    const part = partOf(of);
    for (const { toKey } of all) {
      for (const state of ENDED_STATES) {
        for (let last = -1; ; ) {
          const range = { last, count: ELEMENTS_TOGETHER, part };
          const { looked, emptied } = await forgetEnded(redis, toKey, state, range);
          if (looked < ELEMENTS_TOGETHER) break;
          last -= looked - emptied;
        }
      }
    }
  }

  const placesOf = (userId: string) => Object.values(CLASSES).map(({ from }) => `${from}:${userId}`);

  return {
    refuse: async (userId) => {
      await orStoreUnavailable(Promise.all(all.map(({ toKey }) => redis.sadd(toKey('erased-users'), userId))));
    },
    areRefused: async (userId) => {
      const found = all.map(({ toKey }) => redis.sismember(toKey('erased-users'), userId));
      return (await orStoreUnavailable(Promise.all(found))).every((is) => is === 1);
    },
    find: (of) => orStoreUnavailable(find(of)),
    countLines: (of) => orStoreUnavailable(countLines(of)),
    eraseLines: (of) => orStoreUnavailable(eraseLines(of)),
    countPlaces: async (userId) => {
      const commands = all.flatMap(({ toKey }) =>
        placesOf(userId).map((field) => redis.hexists(toKey('next-tags'), field)),
      );
      return (await orStoreUnavailable(Promise.all(commands))).reduce((sum, is) => sum + is, 0);
    },
    erasePlaces: async (userId) => {
      await orStoreUnavailable(
        Promise.all(all.map(({ toKey }) => redis.hdel(toKey('next-tags'), ...placesOf(userId)))),
      );
    },
  };
}

/** A line has hashes of user and session: see search/ended-line.ts. */
const partOf = ({ userId, sessionId }: JobsOf) => partsOf(sessionId === undefined ? { userId } : { sessionId })[0]!;
