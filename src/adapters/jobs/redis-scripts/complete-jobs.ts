import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';

/**
 * Completes jobs as BullMQ's own script completes one, all in one, and takes as many next ones. It leaves out what our
 * jobs do not have (parents, deduplication, metrics), and the entries in BullMQ's event stream, which nobody reads.
 *
 * It takes prioritised jobs only, and none at all where there is anything else to see to (the queue is paused or
 * limited, a job waits without a priority, a delayed one is due): then it gives -1, and BullMQ's script is to take the
 * next one.
 *
 * KEYS: wait, active, prioritized, delayed, completed, stalled, meta, pc, marker. ARGV: key prefix, now, lock in ms,
 * completed jobs kept, for how long in ms; then, of each that is completed: id, token, attempts made, return value, and
 * whether a job is to be taken under the same token.
 */
const completeJobsScript = defineScript(`
local prefix, now, lockMs, kept, keptMs = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local codes, ids, locks, scores, takers = {}, {}, {}, {}, {}
for i = 6, #ARGV, 5 do
  local id, token = ARGV[i], ARGV[i + 1]
  local code = 0
  local key = prefix .. id
  local lock = key .. ':lock'
  local owner = redis.call('GET', lock)
  if owner ~= token then
    code = owner and -6 or (redis.call('EXISTS', key) == 1 and -2 or -1)
  elseif redis.call('LREM', KEYS[2], -1, id) == 0 then
    code = -3
    locks[#locks + 1] = lock
  else
    redis.call('HSET', key, 'atm', ARGV[i + 2], 'returnvalue', ARGV[i + 3], 'finishedOn', now)
    locks[#locks + 1] = lock
    ids[#ids + 1] = id
    scores[#scores + 1] = now
    scores[#scores + 1] = id
  end
  codes[#codes + 1] = code
  if code == 0 and ARGV[i + 4] == '1' then takers[#takers + 1] = token end
end
if #locks > 0 then redis.call('DEL', unpack(locks)) end
if #ids > 0 then
  redis.call('SREM', KEYS[6], unpack(ids))
  redis.call('ZADD', KEYS[5], unpack(scores))
end

local function forget(old)
  if #old == 0 then return end
  local keys = {}
  for _, id in ipairs(old) do
    keys[#keys + 1] = prefix .. id
    keys[#keys + 1] = prefix .. id .. ':logs'
  end
  redis.call('DEL', unpack(keys))
  redis.call('ZREM', KEYS[5], unpack(old))
end
forget(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now - keptMs, 'LIMIT', 0, 1000))
local surplus = redis.call('ZCARD', KEYS[5]) - kept
if surplus > 0 then forget(redis.call('ZRANGE', KEYS[5], 0, math.min(surplus, 1000) - 1)) end

if #takers == 0 then return {codes, {}, -1} end
local limits = redis.call('HMGET', KEYS[7], 'paused', 'concurrency', 'max')
local due = redis.call('ZRANGEBYSCORE', KEYS[4], 0, (now + 1) * 4096 - 1, 'LIMIT', 0, 1)
if limits[1] or limits[2] or limits[3] or #due > 0 or redis.call('LLEN', KEYS[1]) > 0 then return {codes, {}, -1} end

local taken = {}
local first = redis.call('ZPOPMIN', KEYS[3], #takers)
for i = 1, #first, 2 do
  local id = first[i]
  local key = prefix .. id
  local fields = redis.call('HGETALL', key)
  if #fields > 0 then
    local started = 0
    for j = 1, #fields, 2 do
      if fields[j] == 'ats' then started = tonumber(fields[j + 1]) end
    end
    redis.call('SET', key .. ':lock', takers[#taken + 1], 'PX', lockMs)
    redis.call('HSET', key, 'processedOn', now, 'ats', started + 1)
    redis.call('LPUSH', KEYS[2], id)
    for _, value in ipairs({'processedOn', tostring(now), 'ats', tostring(started + 1)}) do
      fields[#fields + 1] = value
    end
    taken[#taken + 1] = {fields, id}
  end
end
if #taken > 0 then redis.call('ZADD', KEYS[9], 0, '0') end
if #first == 0 then redis.call('DEL', KEYS[8]) end
local delayed = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
return {codes, taken, delayed[2] and math.floor(tonumber(delayed[2]) / 4096) or 0}
`);

export interface Completion {
  jobId: string;
  /** Under which the job is locked. */
  token: string;
  attemptsMade: number;
  /** JSON */
  returnValue: string;
  /** Take a job under the same token. */
  takeNext: boolean;
}

/** What became of a completion: 0, or a negative code of BullMQ's; and the job that was taken, as BullMQ has it. */
export interface Completed {
  code: number;
  /** Flat fields of the job's hash and its id. */
  next?: [fields: string[], jobId: string];
  /** No job was there: when the next delayed one is due, in ms, or 0; undefined: ask BullMQ. */
  nextDelayedAt?: number | undefined;
}

/** @param options.lockMs how long the jobs that are taken are locked */
export async function completeJobs(
  redis: Redis,
  toKey: (type: string) => string,
  completions: readonly Completion[],
  options: { now: number; lockMs: number; kept: number; keptMs: number },
): Promise<Completed[]> {
  const keys = ['wait', 'active', 'prioritized', 'delayed', 'completed', 'stalled', 'meta', 'pc', 'marker'].map(toKey);
  const args = [toKey(''), options.now, options.lockMs, options.kept, options.keptMs];
  for (const { jobId, token, attemptsMade, returnValue, takeNext } of completions) {
    args.push(jobId, token, attemptsMade, returnValue, takeNext ? 1 : 0);
  }

  const [codes, taken, nextDelayedAt] = (await completeJobsScript(redis, keys, args)) as [
    number[],
    [string[], string][],
    number,
  ];
  const remaining = taken.values();
  return completions.map(({ takeNext }, index) => {
    const code = codes[index]!;
    if (code < 0 || !takeNext) return { code };
    const next = remaining.next().value;
    return next ? { code, next } : { code, nextDelayedAt: nextDelayedAt < 0 ? undefined : nextDelayedAt };
  });
}
