import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import type { ToKey } from './bullmq-keys.ts';
import { FINISHED_DATA } from './settle-jobs.ts';

/** KEYS: completed or failed. ARGV: key prefix, ms, how many at most. Gives how many were removed. */
const removeOldScript = defineScript(`
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
local keys = {}
for _, id in ipairs(old) do
  keys[#keys + 1] = ARGV[1] .. id
  keys[#keys + 1] = ARGV[1] .. id .. ':logs'
end
if #old > 0 then
  redis.call('DEL', unpack(keys))
  redis.call('ZREM', KEYS[1], unpack(old))
end
return #old
`);

/**
 * Removes jobs that finished at that time or before. One round trip.
 * @param until ms
 * @returns how many were removed, at most `limit`, which is at most 1,000
 */
export async function removeOldJobs(
  redis: Redis,
  toKey: ToKey,
  state: 'completed' | 'failed',
  { until, limit }: { until: number; limit: number },
): Promise<number> {
  return (await removeOldScript(redis, [toKey(state)], [toKey(''), until, limit])) as number;
}

/**
 * KEYS: completed. ARGV: key prefix, from and until in ms, how many are left out at first, how many at most. Gives how many
 * there were, and the ids of those that have their text. Latest first: meanwhile the oldest may be removed.
 */
const findTextsScript = defineScript(`
local ids = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[3], ARGV[2], 'LIMIT', ARGV[4], ARGV[5])
local withText = {}
for _, id in ipairs(ids) do
  local key = ARGV[1] .. id
  if redis.call('HSTRLEN', key, 'data') > ${FINISHED_DATA.length} or redis.call('HSTRLEN', key, 'progress') > 1 then
    withText[#withText + 1] = id
  end
end
return {#ids, withText}
`);

/**
 * Finds jobs that completed within a time and still have their text. One round trip.
 * @param range.from ms
 * @param range.until ms
 * @returns how many completed jobs were looked at, at most `limit`, and the ids of those with their text
 */
export async function findTexts(
  redis: Redis,
  toKey: ToKey,
  { from, until, skip, limit }: { from: number; until: number; skip: number; limit: number },
): Promise<{ looked: number; jobIds: string[] }> {
  const args = [toKey(''), from, until, skip, limit];
  const [looked, jobIds] = (await findTextsScript(redis, [toKey('completed')], args)) as [number, string[]];
  return { looked, jobIds };
}

/** KEYS: completed. ARGV: key prefix, ids. One that an operator retries meanwhile is left as it is. */
const removeTextsScript = defineScript(`
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('HSET', ARGV[1] .. ARGV[i], 'data', '${FINISHED_DATA}', 'progress', '')
  end
end
`);

/** Removes question, context and answer of completed jobs, at most 1,000; how they went stays. One round trip. */
export async function removeTexts(redis: Redis, toKey: ToKey, jobIds: readonly string[]): Promise<void> {
  await removeTextsScript(redis, [toKey('completed')], [toKey(''), ...jobIds]);
}
