import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import { keysOf, type ToKey } from './bullmq-keys.ts';
import { finishedDigest, finishedRequestsLua } from './finished-requests.ts';
import { lineLua } from './line.ts';
import type { TakenJob } from './taken-job.ts';

/** Of jobs that are due, how many stand in line again at once: Redis does nothing else meanwhile. */
const MOST_RETURNED = 200;

/** What is left of the data of a finished job. A job whose data is this has no request, and is never asked again. */
export const FINISHED_DATA = '{"finished":true}';

/**
 * Completes jobs as BullMQ's own script completes one, all in one, and takes the next ones. It leaves out what our jobs
 * do not have (parents, logs, deduplication, metrics, most of them a lock: see lock-jobs), and the entries in BullMQ's
 * event stream, which nobody reads. It remembers that their requests are finished. Delayed jobs that are due stand in line
 * again, before any is taken.
 *
 * It takes prioritised jobs only, and none at all where there is anything else to see to (the queue is paused or
 * limited, a job waits without a priority): then it gives -1, and BullMQ's script is to take the next one.
 *
 * KEYS: wait, active, prioritized, delayed, completed, stalled, meta, pc, marker, next-tags, finished. ARGV: key prefix,
 * now, completed jobs kept, for how long finished requests are remembered in ms, 1 if jobs keep their text for a while,
 * how many jobs to take; then, of each that is completed: id, attempts started, attempts made, 1 if it has a lock, digest
 * of its id, return value.
 */
const settleJobsScript = defineScript(`${lineLua}${finishedRequestsLua}
local prefix, now, kept, keepsText = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[5] == '1'
local room = tonumber(ARGV[6])

local codes, ids, digests, released, scores = {}, {}, {}, {}, {}
for i = 7, #ARGV, 6 do
  local id = ARGV[i]
  local key = prefix .. id
  local n = #codes + 1
  local started = redis.call('HGET', key, 'ats')
  if started ~= ARGV[i + 1] then
    codes[n] = started and -6 or -1
  elseif redis.call('LREM', KEYS[2], -1, id) == 0 then
    codes[n] = -3
  else
    if keepsText then
      redis.call('HSET', key, 'atm', ARGV[i + 2], 'returnvalue', ARGV[i + 5], 'finishedOn', ARGV[2])
    else
      redis.call('HSET', key, 'atm', ARGV[i + 2], 'returnvalue', ARGV[i + 5], 'finishedOn', ARGV[2],
        'data', '${FINISHED_DATA}', 'progress', '')
    end
    codes[n] = 0
    ids[#ids + 1] = id
    digests[#digests + 1] = ARGV[i + 4]
    scores[#scores + 1] = ARGV[2]
    scores[#scores + 1] = id
    if ARGV[i + 3] == '1' then released[#released + 1] = key .. ':lock' end
  end
end
if #released > 0 then redis.call('DEL', unpack(released)) end

if #ids > 0 then
  rememberFinished(KEYS[11], digests, tonumber(ARGV[4]))
  redis.call('SREM', KEYS[6], unpack(ids))
  redis.call('ZADD', KEYS[5], unpack(scores))
  local surplus = redis.call('ZCARD', KEYS[5]) - kept
  if surplus > 0 then
    local old = redis.call('ZRANGE', KEYS[5], 0, math.min(surplus, 1000) - 1)
    local keys = {}
    for i, id in ipairs(old) do keys[i] = prefix .. id end
    redis.call('DEL', unpack(keys))
    redis.call('ZREM', KEYS[5], unpack(old))
  end
end

if room == 0 then return {codes, {}, -1} end
local due = redis.call('ZRANGEBYSCORE', KEYS[4], 0, (now + 1) * 4096 - 1, 'LIMIT', 0, ${MOST_RETURNED})
if #due > 0 then
  redis.call('ZREM', KEYS[4], unpack(due))
  returnToLine(prefix, KEYS[3], KEYS[10], due)
end
local limits = redis.call('HMGET', KEYS[7], 'paused', 'concurrency', 'max')
if limits[1] or limits[2] or limits[3] or redis.call('LLEN', KEYS[1]) > 0 then return {codes, {}, -1} end

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
  if redis.call('EXISTS', KEYS[3]) == 1 then
    redis.call('ZADD', KEYS[9], 0, '0')
    rememberServed(KEYS[10], first[#first])
  end
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
  /** `finishedDigest` of its id, where it is at hand. */
  digest?: string | undefined;
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
 * @param options.now ms
 * @param options.kept how many finished jobs stay to be looked at
 * @param options.keepsText whether they keep their text, for `tidyFinishedJobs` to remove later
 * @param options.rememberMs how long finished requests are recognised when they come again
 * @param options.room how many to take at most
 */
export async function settleJobs(
  redis: Redis,
  toKey: ToKey,
  completions: readonly Completion[],
  options: { now: number; kept: number; keepsText: boolean; rememberMs: number; room: number },
): Promise<Settled> {
  const { now, kept, keepsText, rememberMs, room } = options;
  const keys = [
    ...keysOf(toKey, 'wait', 'active', 'prioritized', 'delayed', 'completed', 'stalled', 'meta', 'pc', 'marker'),
    ...keysOf(toKey, 'next-tags', 'finished'),
  ];
  const args = [toKey(''), now, kept, rememberMs, keepsText ? 1 : 0, room];
  for (const { jobId, attemptsStarted, attemptsMade, locked, digest, returnValue } of completions) {
    args.push(jobId, attemptsStarted, attemptsMade, locked ? 1 : 0, digest ?? finishedDigest(jobId), returnValue);
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
