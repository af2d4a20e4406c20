import { randomUUID } from 'node:crypto';
import { RETRY_RUNS_KEY, redisKeys } from '../../../contracts/redis-keys.ts';
import { type RetryRun, RetryRunActiveError, type RetryRunAdmin } from '../../../contracts/retry-runs.ts';
import { orStoreUnavailable, repliesOf } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ChatQueue } from '../job-queue.ts';
import { beginRetryRun } from '../redis-scripts/begin-retry-run.ts';
import { stopRetryRun } from '../redis-scripts/stop-retry-run.ts';
import { countByCode, findFailed } from '../search/retry-failed.ts';

/** How long a run is kept after its last step. */
export const RUN_KEPT_MS = 24 * 3_600_000;
const RUNS_LISTED = 200;
/** How many jobs are written into a run's list together. */
const WRITTEN_TOGETHER = 1_000;

/**
 * Begins, shows and stops runs. The retrying itself is done by `createRetryRunDriver`, in every api.
 * @param redis the connection that the queue was opened with
 */
export function createRetryRunAdmin(queue: ChatQueue, redis: Redis): RetryRunAdmin {
  const show = async (id: string) => {
    const fields = await orStoreUnavailable(redis.hgetall(redisKeys.retryRun(id)));
    return readRun(id, fields);
  };

  return {
    count: async ({ limit, ...filter }) => {
      const chosen = (await findFailed(queue, redis, filter)).slice(-limit);
      return { matching: chosen.length, byCode: countByCode(chosen) };
    },
    start: async ({ limit, rate, by, code, ...filter }) => {
      const id = randomUUID();
      const found = await findFailed(queue, redis, { code, until: Date.now(), ...filter });
      const oldestFirst = found.slice(-limit).reverse();
      const key = redisKeys.retryRunJobs(id);
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
      const kept = { listed: RUNS_LISTED, keptMs: RUN_KEPT_MS };
      if (!(await orStoreUnavailable(beginRetryRun(redis, { id, code, by, rate }, kept)))) {
        await orStoreUnavailable(redis.del(key));
        throw new RetryRunActiveError();
      }
      return (await show(id))!;
    },
    list: async () => {
      const ids = await orStoreUnavailable(redis.zrevrange(RETRY_RUNS_KEY, 0, RUNS_LISTED - 1));
      const pipeline = redis.pipeline();
      for (const id of ids) pipeline.hgetall(redisKeys.retryRun(id));
      const replies = (await repliesOf(pipeline)) as Record<string, string>[];
      return ids.flatMap((id, i) => readRun(id, replies[i]!) ?? []);
    },
    show,
    stop: async (id) => {
      await orStoreUnavailable(stopRetryRun(redis, id));
      return await show(id);
    },
  };
}

function readRun(id: string, fields: Record<string, string>): RetryRun | undefined {
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
