import { randomUUID } from 'node:crypto';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { type RetryRun, RetryRunActiveError, type RetryRunAdmin } from '../../../contracts/retry-runs.ts';
import { orStoreUnavailable, repliesOf } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import type { JobShard, JobShards } from '../job-shards.ts';
import { beginRetryRun } from '../redis-scripts/begin-retry-run.ts';
import { stopRetryRun } from '../redis-scripts/stop-retry-run.ts';
import { countByCode, type FailedJob, findFailed } from '../search/retry-failed.ts';

/** How long a run is kept after its last step. */
export const RUN_KEPT_MS = 24 * 3_600_000;
const RUNS_LISTED = 200;
/** How many jobs are written into a run's list together. */
const WRITTEN_TOGETHER = 1_000;

/**
 * Begins, shows and stops runs. The retrying itself is done by `createRetryRunDriver`, in every api.
 *
 * A run has a part in each shard where it has jobs, under the same id: its scripts work on the run and on jobs in one moment.
 * The parts share the rate as they share the jobs, so they end at about the same time.
 * @param redis the connection that the shards were opened with
 */
export function createRetryRunAdmin(shards: JobShards, redis: Redis): RetryRunAdmin {
  const { all } = shards;

  async function show(id: string): Promise<RetryRun | undefined> {
    const parts = await orStoreUnavailable(
      Promise.all(all.map(({ prefix }) => redis.hgetall(redisKeys.retryRun(prefix, id)))),
    );
    return joinParts(parts.flatMap((fields) => readPart(id, fields) ?? []));
  }

  async function isRunning(code: string): Promise<boolean> {
    const ids = await orStoreUnavailable(
      Promise.all(all.map(({ prefix }) => redis.hexists(redisKeys.runningRetryRuns(prefix), code))),
    );
    return ids.includes(1);
  }

  async function listJobs({ prefix }: JobShard, id: string, oldestFirst: readonly FailedJob[]): Promise<void> {
    const key = redisKeys.retryRunJobs(prefix, id);
    for (let first = 0; first < oldestFirst.length; first += WRITTEN_TOGETHER) {
      const some = oldestFirst.slice(first, first + WRITTEN_TOGETHER);
      const entries = some.map(({ failedAt, jobId }) => `${failedAt} ${jobId}`);
      // If this process dies before the run begins, the list expires.
      await repliesOf(
        redis
          .multi()
          .rpush(key, ...entries)
          .pexpire(key, RUN_KEPT_MS),
      );
    }
  }

  /** Removes what there is of a run that has not begun in all of its shards. */
  async function forget(id: string): Promise<void> {
    for (const { prefix } of all) {
      await orStoreUnavailable(stopRetryRun(redis, prefix, id));
      await orStoreUnavailable(redis.del(redisKeys.retryRun(prefix, id), redisKeys.retryRunJobs(prefix, id)));
    }
  }

  return {
    count: async ({ limit, ...filter }) => {
      const chosen = (await findFailed(shards, redis, filter)).slice(-limit);
      return { matching: chosen.length, byCode: countByCode(chosen) };
    },
    start: async ({ limit, rate, by, code, ...filter }) => {
      const id = randomUUID();
      const found = await findFailed(shards, redis, { code, until: Date.now(), ...filter });
      const oldestFirst = found.slice(-limit).reverse();
      const ofShards = Map.groupBy(oldestFirst, ({ shard }) => shard);
      // A run without jobs ends at once.
      if (ofShards.size === 0) ofShards.set(all[0]!, []);
      const kept = { listed: RUNS_LISTED, keptMs: RUN_KEPT_MS };
      let begins = !(await isRunning(code));
      // All processes begin in the same order of the shards.
      for (const shard of all) {
        const jobs = ofShards.get(shard);
        if (!jobs || !begins) continue;
        await listJobs(shard, id, jobs);
        const part = { id, code, by, rate: ofShards.size === 1 ? rate : (rate * jobs.length) / oldestFirst.length };
        begins = await orStoreUnavailable(beginRetryRun(redis, shard.prefix, part, kept));
      }
      if (!begins) {
        await forget(id);
        throw new RetryRunActiveError();
      }
      return (await show(id))!;
    },
    list: async () => {
      const listed = await orStoreUnavailable(
        Promise.all(all.map(({ prefix }) => redis.zrevrange(redisKeys.retryRuns(prefix), 0, RUNS_LISTED - 1))),
      );
      const runs = await Promise.all([...new Set(listed.flat())].map(show));
      return runs
        .flatMap((run) => run ?? [])
        .sort((a, b) => b.startedAt.localeCompare(a.startedAt))
        .slice(0, RUNS_LISTED);
    },
    show,
    stop: async (id) => {
      await orStoreUnavailable(Promise.all(all.map(({ prefix }) => stopRetryRun(redis, prefix, id))));
      return await show(id);
    },
  };
}

function readPart(id: string, fields: Record<string, string>): RetryRun | undefined {
  const { state, code, by, startedAt, endedAt, rate, matching, retried, left, problem } = fields;
  if (state === undefined || code === undefined || by === undefined) return undefined;
  return {
    id,
    state: state as RetryRun['state'],
    code,
    by,
    startedAt: new Date(Number(startedAt)).toISOString(),
    endedAt: endedAt === undefined ? null : new Date(Number(endedAt)).toISOString(),
    rate: Number(rate),
    matching: Number(matching),
    retried: Number(retried),
    left: Number(left),
    problem: problem || null,
  };
}

/** The state of a run is the first of these that a part has. */
const STATES = ['running', 'failed', 'stopped', 'finished'] as const satisfies readonly RetryRun['state'][];

function joinParts(parts: readonly RetryRun[]): RetryRun | undefined {
  const [first] = parts;
  if (!first || parts.length === 1) return first;
  const sum = (field: 'rate' | 'matching' | 'retried' | 'left') =>
    parts.reduce((total, part) => total + part[field], 0);
  const state = STATES.find((one) => parts.some((part) => part.state === one))!;
  const ends = parts.map(({ endedAt }) => endedAt ?? '').sort();
  return {
    ...first,
    state,
    startedAt: parts.map(({ startedAt }) => startedAt).sort()[0]!,
    endedAt: state === 'running' ? null : ends.at(-1)!,
    rate: Math.round(sum('rate') * 1_000) / 1_000,
    matching: sum('matching'),
    retried: sum('retried'),
    left: sum('left'),
    problem: parts.find(({ problem }) => problem !== null)?.problem ?? null,
  };
}
