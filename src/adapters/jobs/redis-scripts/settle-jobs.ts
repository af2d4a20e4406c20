import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import type { TakenJob } from './taken-job.ts';

/**
 * Completes jobs as BullMQ's own script completes one, all in one, and takes the next ones. It leaves out what our jobs
 * do not have (parents, logs, deduplication, metrics, most of them a lock: see lock-jobs), and the entries in BullMQ's
 * event stream, which nobody reads.
 *
 * It takes prioritised jobs only, and none at all where there is anything else to see to (the queue is paused or
 * limited, a job waits without a priority, a delayed one is due): then it gives -1, and BullMQ's script is to take the
 * next one.
 *
 * KEYS: wait, active, prioritized, delayed, completed, stalled, meta, pc, marker. ARGV: key prefix, now, completed
 * jobs kept, for how long in ms, how many jobs to take; then, of each that is completed: id, attempts started, attempts
 * made, 1 if it has a lock, return value.
 */
const settleJobsScript = defineScript(`
local prefix, now, kept, keptMs = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local room = tonumber(ARGV[5])

local codes, ids, released, scores = {}, {}, {}, {}
for i = 6, #ARGV, 5 do
  local id = ARGV[i]
  local key = prefix .. id
  local n = #codes + 1
  local started = redis.call('HGET', key, 'ats')
  if started ~= ARGV[i + 1] then
    codes[n] = started and -6 or -1
  elseif redis.call('LREM', KEYS[2], -1, id) == 0 then
    codes[n] = -3
  else
    redis.call('HSET', key, 'atm', ARGV[i + 2], 'returnvalue', ARGV[i + 4], 'finishedOn', ARGV[2])
    codes[n] = 0
    ids[#ids + 1] = id
    scores[#scores + 1] = ARGV[2]
    scores[#scores + 1] = id
    if ARGV[i + 3] == '1' then released[#released + 1] = key .. ':lock' end
  end
end
if #released > 0 then redis.call('DEL', unpack(released)) end

local function forget(old)
  if #old == 0 then return end
  local keys = {}
  for i, id in ipairs(old) do keys[i] = prefix .. id end
  redis.call('DEL', unpack(keys))
  redis.call('ZREM', KEYS[5], unpack(old))
end
if #ids > 0 then
  redis.call('SREM', KEYS[6], unpack(ids))
  redis.call('ZADD', KEYS[5], unpack(scores))
  forget(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now - keptMs, 'LIMIT', 0, 1000))
  local surplus = redis.call('ZCARD', KEYS[5]) - kept
  if surplus > 0 then forget(redis.call('ZRANGE', KEYS[5], 0, math.min(surplus, 1000) - 1)) end
end

if room == 0 then return {codes, {}, -1} end
local limits = redis.call('HMGET', KEYS[7], 'paused', 'concurrency', 'max')
local due = redis.call('ZRANGEBYSCORE', KEYS[4], 0, (now + 1) * 4096 - 1, 'LIMIT', 0, 1)
if limits[1] or limits[2] or limits[3] or #due > 0 or redis.call('LLEN', KEYS[1]) > 0 then return {codes, {}, -1} end

local taken, active = {}, {}
local first = redis.call('ZPOPMIN', KEYS[3], room)
for i = 1, #first, 2 do
  local id = first[i]
  local key = prefix .. id
  local fields = redis.call('HMGET', key, 'data', 'opts', 'atm', 'stc', 'ats', 'progress')
  if fields[1] then
    local started = (fields[5] or 0) + 1
    redis.call('HSET', key, 'processedOn', ARGV[2], 'ats', started)
    local cancelled = redis.call('EXISTS', key .. ':cancelled')
    active[#active + 1] = id
    taken[#taken + 1] = {id, fields[1], fields[2], fields[3] or '0', started, fields[4] or '0', fields[6] or '', cancelled}
  end
end
if #active > 0 then
  redis.call('LPUSH', KEYS[2], unpack(active))
  -- Whoever waits for jobs is to see to what is left.
  if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('ZADD', KEYS[9], 0, '0') end
end
if #first == 0 then redis.call('DEL', KEYS[8]) end
local delayed = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
return {codes, taken, delayed[2] and math.floor(tonumber(delayed[2]) / 4096) or 0}
`);

export interface Completion {
  jobId: string;
  attemptsStarted: number;
  attemptsMade: number;
  /** It may have a lock. */
  locked: boolean;
  /** JSON */
  returnValue: string;
}

export interface Settled {
  /** What became of each completion: 0, or a negative code of BullMQ's. */
  codes: number[];
  taken: TakenJob[];
  /** When the next delayed job is due, in ms, or 0 where there is none; undefined: BullMQ is to take the next job. */
  nextDelayedAt: number | undefined;
}

/**
 * Completes jobs, and takes the next ones: one round trip.
 * @param options.room how many to take at most
 */
export async function settleJobs(
  redis: Redis,
  toKey: (type: string) => string,
  completions: readonly Completion[],
  { now, kept, keptMs, room }: { now: number; kept: number; keptMs: number; room: number },
): Promise<Settled> {
  const keys = ['wait', 'active', 'prioritized', 'delayed', 'completed', 'stalled', 'meta', 'pc', 'marker'].map(toKey);
  const args = [toKey(''), now, kept, keptMs, room];
  for (const { jobId, attemptsStarted, attemptsMade, locked, returnValue } of completions) {
    args.push(jobId, attemptsStarted, attemptsMade, locked ? 1 : 0, returnValue);
  }
  const [codes, taken, nextDelayedAt] = (await settleJobsScript(redis, keys, args)) as [
    number[],
    [string, string, string, string, number, string, string, number][],
    number,
  ];
  return {
    codes,
    taken: taken.map(([jobId, data, options, attemptsMade, attemptsStarted, crashes, progress, cancelled]) => ({
      ...{ jobId, data, options, attemptsStarted, progress },
      ...{ attemptsMade: Number(attemptsMade), crashes: Number(crashes), cancelled: cancelled === 1 },
    })),
    nextDelayedAt: nextDelayedAt < 0 ? undefined : nextDelayedAt,
  };
}
