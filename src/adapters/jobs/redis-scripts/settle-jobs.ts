import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import { type Room, type TakenJob, tokenOf } from './taking.ts';

/**
 * Completes jobs as BullMQ's own script completes one, all in one, and takes the next ones. It leaves out what our jobs
 * do not have (parents, logs, deduplication, metrics), and the entries in BullMQ's event stream, which nobody reads.
 *
 * It takes prioritised jobs only, and none at all where there is anything else to see to (the queue is paused or
 * limited, a job waits without a priority, a delayed one is due): then it gives -1, and BullMQ's script is to take the
 * next one.
 *
 * KEYS: wait, active, prioritized, delayed, completed, stalled, meta, pc, marker. ARGV: key prefix, now, completed
 * jobs kept, for how long in ms; how many jobs to take, their lock in ms, its token without the number, and the first
 * number; then, of each that is completed: id, token, attempts made, return value.
 */
const settleJobsScript = defineScript(`
local prefix, now, kept, keptMs = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local room, lockMs, tokens, firstToken = tonumber(ARGV[5]), ARGV[6], ARGV[7], tonumber(ARGV[8])

local codes, ids, released, scores = {}, {}, {}, {}
if #ARGV > 8 then
  local locks = {}
  for i = 9, #ARGV, 4 do locks[#locks + 1] = prefix .. ARGV[i] .. ':lock' end
  local owners = redis.call('MGET', unpack(locks))
  for n, owner in ipairs(owners) do
    local i = 5 + 4 * n
    local id = ARGV[i]
    if owner ~= ARGV[i + 1] then
      codes[n] = owner and -6 or (redis.call('EXISTS', prefix .. id) == 1 and -2 or -1)
    elseif redis.call('LREM', KEYS[2], -1, id) == 0 then
      codes[n] = -3
      released[#released + 1] = locks[n]
    else
      redis.call('HSET', prefix .. id, 'atm', ARGV[i + 2], 'returnvalue', ARGV[i + 3], 'finishedOn', now)
      codes[n] = 0
      released[#released + 1] = locks[n]
      ids[#ids + 1] = id
      scores[#scores + 1] = now
      scores[#scores + 1] = id
    end
  end
  if #released > 0 then redis.call('DEL', unpack(released)) end
end

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
    redis.call('SET', key .. ':lock', tokens .. (firstToken + #active), 'PX', lockMs)
    redis.call('HSET', key, 'processedOn', now, 'ats', (fields[5] or 0) + 1)
    active[#active + 1] = id
    taken[#taken + 1] = {id, fields[1], fields[2], fields[3] or '0', fields[4] or '0', fields[6] or ''}
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
  /** Under which the job is locked. */
  token: string;
  attemptsMade: number;
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

/** Completes jobs, and takes as many as there is room for: one round trip. */
export async function settleJobs(
  redis: Redis,
  toKey: (type: string) => string,
  completions: readonly Completion[],
  { now, kept, keptMs, room }: { now: number; kept: number; keptMs: number; room: Room },
): Promise<Settled> {
  const keys = ['wait', 'active', 'prioritized', 'delayed', 'completed', 'stalled', 'meta', 'pc', 'marker'].map(toKey);
  const args = [toKey(''), now, kept, keptMs, room.count, room.lockMs, room.tokenPrefix, room.firstToken];
  for (const { jobId, token, attemptsMade, returnValue } of completions) {
    args.push(jobId, token, attemptsMade, returnValue);
  }
  const [codes, taken, nextDelayedAt] = (await settleJobsScript(redis, keys, args)) as [
    number[],
    [jobId: string, data: string, options: string, attemptsMade: string, crashes: string, progress: string][],
    number,
  ];
  return {
    codes,
    taken: taken.map(([jobId, data, options, attemptsMade, crashes, progress], number) => ({
      jobId,
      token: tokenOf(room, number),
      data,
      options,
      attemptsMade: Number(attemptsMade),
      crashes: Number(crashes),
      progress,
    })),
    nextDelayedAt: nextDelayedAt < 0 ? undefined : nextDelayedAt,
  };
}
