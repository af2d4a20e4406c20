import type { Redis } from 'ioredis';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { defineScript } from '../redis/define-script.ts';

/** Beside an answer's key, as the scripts make it of it: those that wait. */
const WAITING = `':awaiting'`;
/**
 * Until there is an answer, its key has the claim of the request that is asking: the first of these and its id; the
 * second once others wait for it. No entry begins so.
 */
const CLAIM = `'?'`;
const AWAITED_CLAIM = `'!'`;

/** KEYS: answers. ARGV: lease in ms, then a requestId for each. A holder that comes again keeps its claim. */
const lookUpScript = defineScript(`
local found, claimed = redis.call('MGET', unpack(KEYS)), {}
for i, key in ipairs(KEYS) do
  local id, kept = ARGV[i + 1], claimed[key] or found[i]
  local mark = kept and string.sub(kept, 1, 1)
  if not kept then
    claimed[key] = ${CLAIM} .. id
    redis.call('SET', key, claimed[key], 'PX', ARGV[1])
    found[i] = 1
  elseif mark == ${CLAIM} or mark == ${AWAITED_CLAIM} then
    if string.sub(kept, 2) == id then
      redis.call('PEXPIRE', key, ARGV[1])
      redis.call('SREM', key .. ${WAITING}, id)
      found[i] = 1
    else
      claimed[key] = ${AWAITED_CLAIM} .. string.sub(kept, 2)
      redis.call('SET', key, claimed[key], 'KEEPTTL')
      redis.call('SADD', key .. ${WAITING}, id)
      redis.call('PEXPIRE', key .. ${WAITING}, ARGV[1] * 2)
      found[i] = 0
    end
  end
end
return found
`);

export interface HashedQuestion {
  hash: string;
  requestId: string;
}

export type Found = { entry: string } | 'claimed' | 'under way';

/** Gives, of each, the entry under the hash; or claims the question, or has the request wait for its answer. */
export async function lookUpAnswers(
  redis: Redis,
  questions: readonly HashedQuestion[],
  leaseMs: number,
): Promise<Found[]> {
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
local woken, gone = {}, {}
for i, key in ipairs(KEYS) do
  local id, entry = ARGV[3 * i - 2], ARGV[3 * i - 1]
  local kept
  if entry ~= '' then
    kept = redis.call('SET', key, entry, 'PX', ARGV[3 * i], 'GET')
  else
    kept = redis.call('GET', key)
  end
  woken[i] = {}
  local held = kept == ${CLAIM} .. id
  local awaited = kept == ${AWAITED_CLAIM} .. id
  if entry == '' and (held or awaited) then gone[#gone + 1] = key end
  -- Whose lease has run out may be waited for all the same.
  if awaited or (entry ~= '' and not held) then
    woken[i] = redis.call('SMEMBERS', key .. ${WAITING})
    gone[#gone + 1] = key .. ${WAITING}
  end
end
if #gone > 0 then redis.call('DEL', unpack(gone)) end
return woken
`);

export interface Landing extends HashedQuestion {
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
local kept = redis.call('GET', KEYS[1])
if kept == ${CLAIM} .. ARGV[1] or kept == ${AWAITED_CLAIM} .. ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
`);

/** Renews the lease of a claim that the request still has. */
export async function renewClaim(redis: Redis, hash: string, requestId: string, leaseMs: number): Promise<void> {
  await renewScript(redis, [redisKeys.answer(hash)], [requestId, leaseMs]);
}

/** KEYS: answers. A claim stays: its request is still asking. */
const forgetScript = defineScript(`
local gone = {}
for _, key in ipairs(KEYS) do
  local mark = redis.call('GETRANGE', key, 0, 0)
  if mark ~= ${CLAIM} and mark ~= ${AWAITED_CLAIM} then gone[#gone + 1] = key end
end
if #gone > 0 then redis.call('DEL', unpack(gone)) end
`);

/** Removes answers, at most 1,000, from the cache. One round trip. */
export async function forgetAnswers(redis: Redis, hashes: readonly string[]): Promise<void> {
  if (hashes.length > 0) await forgetScript(redis, hashes.map(redisKeys.answer), []);
}
