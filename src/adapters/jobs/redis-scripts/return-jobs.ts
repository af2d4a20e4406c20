import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import { keysOf, type ToKey, USER_FIELD } from './bullmq-keys.ts';
import { lineLua } from './line.ts';

/**
 * Has delayed or failed jobs stand in line again at once, each at the front of its user's turn. BullMQ's own scripts give
 * them the places they had before, in a line that is long gone.
 *
 * KEYS: where they are (delayed or failed), prioritized, next-tags, marker, meta. ARGV: key prefix, ids. Gives how many
 * were there.
 */
const returnJobsScript = defineScript(`${lineLua}
local found = {}
for i = 2, #ARGV do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    redis.call('HDEL', ARGV[1] .. ARGV[i], 'finishedOn', 'processedOn', 'failedReason')
    found[#found + 1] = ARGV[i]
  end
end
if returnToLine(ARGV[1], KEYS[2], KEYS[3], found) > 0 and redis.call('HEXISTS', KEYS[5], 'paused') == 0 then
  redis.call('ZADD', KEYS[4], 0, '0')
end
return #found
`);

/**
 * Has jobs go on at once that are delayed, or that have failed; others stay as they are. One round trip.
 * @param jobIds at most 1,000
 * @returns how many of them are in line now
 */
export async function returnJobs(
  redis: Redis,
  toKey: ToKey,
  from: 'delayed' | 'failed',
  jobIds: readonly string[],
): Promise<number> {
  const keys = [toKey(from), ...keysOf(toKey, 'prioritized', 'next-tags', 'marker', 'meta')];
  return (await returnJobsScript(redis, keys, [toKey(''), ...jobIds])) as number;
}

/**
 * KEYS: active, prioritized, next-tags, marker, meta, stalled. ARGV: key prefix, id, attempts started, user. Gives 0, or a
 * negative code of BullMQ's.
 */
const handBackScript = defineScript(`${lineLua}
local key = ARGV[1] .. ARGV[2]
local started = redis.call('HGET', key, 'ats')
if started ~= ARGV[3] then return started and -6 or -1 end
if redis.call('LREM', KEYS[1], -1, ARGV[2]) == 0 then return -3 end
redis.call('DEL', key .. ':lock')
redis.call('HSET', key, '${USER_FIELD}', ARGV[4])
redis.call('SREM', KEYS[6], ARGV[2])
returnToLine(ARGV[1], KEYS[2], KEYS[3], {ARGV[2]})
if redis.call('HEXISTS', KEYS[5], 'paused') == 0 then redis.call('ZADD', KEYS[4], 0, '0') end
return 0
`);

/**
 * Has a job that is in hand stand in line again, at the front of its user's turn, without an attempt being used up. One
 * round trip.
 * @returns 'moved'; 'lost' if another process has it by now, or it was finished; 'gone' if it was removed
 */
export async function handBackJob(
  redis: Redis,
  toKey: ToKey,
  { id, attemptsStarted, user }: { id: string; attemptsStarted: number; user: string },
): Promise<'moved' | 'lost' | 'gone'> {
  const keys = keysOf(toKey, 'active', 'prioritized', 'next-tags', 'marker', 'meta', 'stalled');
  const code = (await handBackScript(redis, keys, [toKey(''), id, attemptsStarted, user])) as number;
  if (code === 0) return 'moved';
  return code === -1 ? 'gone' : 'lost';
}
