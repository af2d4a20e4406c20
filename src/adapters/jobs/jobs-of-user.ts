import type { TextSeals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { createEveryShard, type ShardKeys } from './every-shard.ts';
import { CLASSES } from './fair-order.ts';
import type { JobShards } from './job-shards.ts';
import { type KeptJob, readKeptJobs } from './kept-jobs.ts';
import { findJobsOf, JOB_PLACES } from './redis-scripts/find-jobs-of.ts';
import { forgetEnded } from './redis-scripts/forget-ended.ts';
import { type EndedLine, partsOf, readLine } from './search/ended-line.ts';
import { requestIdOf } from './search/read-job.ts';

const LOOKED_AT_TOGETHER = 500;
const ELEMENTS_TOGETHER = 100;
const ENDED_STATES = ['completed', 'failed'] as const;
const LINES = Object.keys(CLASSES) as (keyof typeof CLASSES)[];
const fieldOf = (line: keyof typeof CLASSES, userId: string) => `${CLASSES[line].from}:${userId}`;

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
  /** Gives what all jobs of a user have, with the texts. */
  kept(userId: string): AsyncIterable<KeptJob>;
  /** Gives the lines of the search that are about these jobs. */
  lines(of: JobsOf): AsyncIterable<EndedLine>;
  /** Removes those lines. */
  eraseLines(of: JobsOf): Promise<void>;
  /** Returns the user's places in the lines. */
  places(userId: string): Promise<PlaceOfUser[]>;
  erasePlaces(userId: string): Promise<void>;
}

/** The tag of a user's newest job in a line: see fair-order.ts. */
export interface PlaceOfUser {
  line: keyof typeof CLASSES;
  tag: number;
}

/**
 * @param redis the connection that the shards were opened with
 * @param seals open the texts of jobs
 */
export function createUsersJobs(shards: Pick<JobShards, 'all'>, redis: Redis, seals: TextSeals): UsersJobs {
  const { all } = shards;
  const everyShard = createEveryShard(shards, redis);

  async function find({ userId, sessionId }: JobsOf): Promise<(JobOfUser & { shard: ShardKeys })[]> {
    const found = new Map<string, JobOfUser & { shard: ShardKeys }>();
    for (const shard of await everyShard()) {
      const { toKey } = shard;
      for (const place of JOB_PLACES) {
        for (let skip = 0; ; skip += LOOKED_AT_TOGETHER) {
          const some = await findJobsOf(redis, toKey, userId, { place, skip, count: LOOKED_AT_TOGETHER });
          for (const job of some.found) {
            const requestId = requestIdOf(job.jobId);
            if (requestId === undefined || (sessionId !== undefined && job.sessionId !== sessionId)) continue;
            found.set(job.jobId, { requestId, sessionId: job.sessionId, answerKey: job.answerKey, shard });
          }
          if (some.looked < LOOKED_AT_TOGETHER) break;
        }
      }
    }
    return [...found.values()];
  }

  async function* lines(of: JobsOf): AsyncGenerator<EndedLine> {
    const part = partOf(of);
    for (const { toKey } of await everyShard()) {
      for (const state of ENDED_STATES) {
        for (let first = 0; ; first += ELEMENTS_TOGETHER) {
          const range = [toKey(`${state}-log`), first, first + ELEMENTS_TOGETHER - 1] as const;
          const elements = await orStoreUnavailable(redis.lrange(...range));
          for (const line of elements.flatMap((element) => element.split('\n')))
            if (line.includes(part)) yield readLine(line);
          if (elements.length < ELEMENTS_TOGETHER) break;
        }
      }
    }
  }

  async function places(userId: string): Promise<PlaceOfUser[]> {
    const commands = (await everyShard()).flatMap(({ toKey }) =>
      LINES.map(async (line) => ({ line, tag: await redis.hget(toKey('next-tags'), fieldOf(line, userId)) })),
    );
    const found = await Promise.all(commands);
    return found.flatMap(({ line, tag }) => (tag === null ? [] : [{ line, tag: Number(tag) }]));
  }

  async function eraseLines(of: JobsOf): Promise<void> {
    const part = partOf(of);
    for (const { toKey } of await everyShard()) {
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

  return {
    refuse: async (userId) => {
      await orStoreUnavailable(Promise.all(all.map(({ toKey }) => redis.sadd(toKey('erased-users'), userId))));
    },
    areRefused: async (userId) => {
      const found = all.map(({ toKey }) => redis.sismember(toKey('erased-users'), userId));
      return (await orStoreUnavailable(Promise.all(found))).every((is) => is === 1);
    },
    find: (of) => orStoreUnavailable(find(of)),
    kept: async function* (userId) {
      yield* readKeptJobs({ redis, seals }, userId, await orStoreUnavailable(find({ userId })));
    },
    lines,
    eraseLines: (of) => orStoreUnavailable(eraseLines(of)),
    places: (userId) => orStoreUnavailable(places(userId)),
    erasePlaces: async (userId) => {
      const fields = LINES.map((line) => fieldOf(line, userId));
      const every = await everyShard();
      await orStoreUnavailable(Promise.all(every.map(({ toKey }) => redis.hdel(toKey('next-tags'), ...fields))));
    },
  };
}

/** A line has hashes of user and session: see search/ended-line.ts. */
const partOf = (of: JobsOf) => partsOf(of)[0]!;
