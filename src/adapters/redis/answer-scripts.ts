import type { Redis } from 'ioredis';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { defineScript } from './define-script.ts';

/** Beside an answer's key, as the scripts make it of it: those that wait. */
const WAITING = `':awaiting'`;
/** Until there is an answer, its key has the claim of the request that is asking: this and its id. No entry begins so. */
const CLAIM = `'?'`;

/** KEYS: answers. ARGV: lease in ms, then a requestId for each. A holder that comes again keeps its claim. */
const lookUpScript = defineScript(`
local found, claimed = redis.call('MGET', unpack(KEYS)), {}
for i, key in ipairs(KEYS) do
  local id, kept = ARGV[i + 1], claimed[key] or found[i]
  if not kept then
    claimed[key] = ${CLAIM} .. id
    redis.call('SET', key, claimed[key], 'PX', ARGV[1])
    found[i] = 1
  elseif kept == ${CLAIM} .. id then
    redis.call('PEXPIRE', key, ARGV[1])
    redis.call('SREM', key .. ${WAITING}, id)
    found[i] = 1
  elseif string.sub(kept, 1, 1) == ${CLAIM} then
    redis.call('SADD', key .. ${WAITING}, id)
    redis.call('PEXPIRE', key .. ${WAITING}, ARGV[1] * 2)
    found[i] = 0
  end
end
return found
`);

export interface Question {
  hash: string;
  requestId: string;
}

/** Gives, of each, the entry under the hash; or claims the question, or has the request wait for its answer. */
export async function lookUpAnswers(
  redis: Redis,
  questions: readonly Question[],
  leaseMs: number,
): Promise<({ entry: string } | 'claimed' | 'under way')[]> {
  const keys = questions.map(({ hash }) => redisKeys.answer(hash));
  const requestIds = questions.map(({ requestId }) => requestId);
  const found = (await lookUpScript(redis, keys, [leaseMs, ...requestIds])) as (string | number)[];
  return found.map((value) => {
    if (typeof value === 'string') return { entry: value };
    return value === 1 ? 'claimed' : 'under way';
  });
}

/**
 * KEYS: answers. ARGV: of each: requestId, the entry or nothing, its TTL in ms. Gives lists of requestIds: those that
 * wait for what has come, or whose holder gives up.
 */
const landScript = defineScript(`
local lists = {}
for i, key in ipairs(KEYS) do lists[i] = key .. ${WAITING} end
local kept = redis.call('MGET', unpack(KEYS))
local someWait = redis.call('EXISTS', unpack(lists)) > 0

local woken, gone = {}, {}
for i, key in ipairs(KEYS) do
  local id, entry, ttl = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local held = kept[i] == ${CLAIM} .. id
  if entry ~= '' then
    redis.call('SET', key, entry, 'PX', ttl)
  elseif held then
    gone[#gone + 1] = key
  end
  woken[i] = {}
  if someWait and (held or entry ~= '') then
    woken[i] = redis.call('SMEMBERS', lists[i])
    gone[#gone + 1] = lists[i]
  end
end
if #gone > 0 then redis.call('DEL', unpack(gone)) end
return woken
`);

export interface Landing extends Question {
  /** To be kept; left out, the question goes without an answer. */
  entry?: { text: string; ttlMs: number } | undefined;
}

/** Keeps entries, and gives the claims up; gives, of each, the requests that wait. */
export async function landAnswers(redis: Redis, landings: readonly Landing[]): Promise<string[][]> {
  const keys = landings.map(({ hash }) => redisKeys.answer(hash));
  const args = landings.flatMap(({ requestId, entry }) => [requestId, entry?.text ?? '', entry?.ttlMs ?? 0]);
  return (await landScript(redis, keys, args)) as string[][];
}

/** KEYS: answer. ARGV: requestId, lease in ms. */
const renewScript = defineScript(`
if redis.call('GET', KEYS[1]) == ${CLAIM} .. ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`);

/** Renews the lease of a claim that the request still has. */
export async function renewClaim(redis: Redis, hash: string, requestId: string, leaseMs: number): Promise<void> {
  await renewScript(redis, [redisKeys.answer(hash)], [requestId, leaseMs]);
}
