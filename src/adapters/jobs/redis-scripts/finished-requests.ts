import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { defineScript, SERVER_TIME } from '../../redis/define-script.ts';
import { keysOf, type ToKey } from './bullmq-keys.ts';

/**
 * Which requests are finished, so that a message that comes again is recognised long after its job is gone. Holds no text
 * and no id, only digests.
 *
 * A *bucket* is a Redis set of 64-bit integers. Redis keeps such a set in 8 bytes a member while it has at most 512 of
 * them (`set-max-intset-entries`, the same default in every Redis and Valkey). A *generation* is 16^n buckets. The first
 * n hexadecimal digits of a job id's SHA-256 name its bucket, and 64 further bits are its member there. So a request is
 * taken for another one with a probability of at most 2^-54: a bucket has some 400 members at most, and few generations
 * are alive.
 *
 * Requests are added to the latest generation only. The next one is opened
 * - once the latest is as old as the window; it has fewer buckets if the latest stayed nearly empty, or
 * - as soon as the latest is full; the next then has 16 times as many buckets.
 * Each bucket expires two windows after its generation was opened. So a request is recognised for one window at least and
 * two at most, nothing is ever searched for, and usually two generations are alive: one look each for a new request.
 */

/** Members a bucket has on average when its generation is full: then hardly any has more than 400. */
const FULL = 300;
/** With so many on average, a generation could have done with a sixteenth of its buckets. */
const NEARLY_EMPTY = FULL / 20;
/** With so many on average, each bucket has one: that any has none is as likely as 10^-13. */
const ALL_USED = 30;
const FEWEST_DIGITS = 2;
const MOST_DIGITS = 6;

/** A script that checks or adds finished requests begins with this. A generation is `{number}:{digits}:{opened, ms}`. */
export const finishedRequestsLua = `
local function generationOf(entry)
  local number, digits, openedAt = string.match(entry, '^(%d+):(%d+):(%d+)$')
  return tonumber(number), tonumber(digits), tonumber(openedAt)
end

local function finishedIn(key)
  local generations = {}
  for i, entry in ipairs(redis.call('LRANGE', key, 0, -1)) do
    local number, digits = generationOf(entry)
    generations[i] = {prefix = key .. ':' .. number .. ':', digits = digits}
  end
  return generations
end

local function isFinished(generations, digest)
  local member = string.sub(digest, ${MOST_DIGITS + 1})
  for _, generation in ipairs(generations) do
    if redis.call('SISMEMBER', generation.prefix .. string.sub(digest, 1, generation.digits), member) == 1 then return true end
  end
  return false
end

local function openGeneration(key, number, digits, now, windowMs)
  redis.call('LPUSH', key, number .. ':' .. digits .. ':' .. string.format('%.0f', now))
  redis.call('PEXPIRE', key, 2 * windowMs)
  redis.call('SET', key .. ':count', 0, 'PX', 2 * windowMs)
  while true do
    local _, _, openedAt = generationOf(redis.call('LINDEX', key, -1))
    if openedAt + 2 * windowMs > now then break end
    redis.call('RPOP', key)
  end
end

local function rememberFinished(key, digests, windowMs)${SERVER_TIME}
  local latest = redis.call('LINDEX', key, 0)
  local number, digits, openedAt = 0, ${FEWEST_DIGITS}, now
  if latest then number, digits, openedAt = generationOf(latest) end
  if not latest or openedAt + windowMs <= now then
    if tonumber(redis.call('GET', key .. ':count') or 0) < ${NEARLY_EMPTY} * 16 ^ digits then digits = math.max(${FEWEST_DIGITS}, digits - 1) end
    number, openedAt = number + 1, now
    openGeneration(key, number, digits, now, windowMs)
  end
  local prefix = key .. ':' .. number .. ':'
  local count = redis.call('INCRBY', key .. ':count', #digests)
  local someUnused = count < ${ALL_USED} * 16 ^ digits
  for _, digest in ipairs(digests) do
    local bucket = prefix .. string.sub(digest, 1, digits)
    redis.call('SADD', bucket, string.sub(digest, ${MOST_DIGITS + 1}))
    if someUnused and redis.call('SCARD', bucket) == 1 then redis.call('PEXPIRE', bucket, openedAt + 2 * windowMs - now) end
  end
  if count >= ${FULL} * 16 ^ digits and digits < ${MOST_DIGITS} then openGeneration(key, number + 1, digits + 1, now, windowMs) end
end
`;

/** What the scripts know a job by: hexadecimal digits, and a 64-bit integer with its sign. */
export function finishedDigest(jobId: string): string {
  const digits = hash('sha256', jobId);
  const member = BigInt.asIntN(64, BigInt(`0x${digits.slice(MOST_DIGITS, MOST_DIGITS + 16)}`));
  return `${digits.slice(0, MOST_DIGITS)}${member}`;
}

/** KEYS: finished. ARGV: window in ms, then digests. */
const rememberScript = defineScript(`${finishedRequestsLua}
local digests = {}
for i = 2, #ARGV do digests[i - 1] = ARGV[i] end
rememberFinished(KEYS[1], digests, tonumber(ARGV[1]))
`);

/**
 * Has jobs recognised as finished when they come again, for a window at least. One round trip.
 * @param jobIds at least one, at most 1,000
 */
export async function rememberFinished(
  redis: Redis,
  toKey: ToKey,
  jobIds: readonly string[],
  { windowMs }: { windowMs: number },
): Promise<void> {
  await rememberScript(redis, keysOf(toKey, 'finished'), [windowMs, ...jobIds.map(finishedDigest)]);
}
