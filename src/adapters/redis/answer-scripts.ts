import type { Redis } from 'ioredis';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { defineScript } from './define-script.ts';

/** The keys beside an answer's, as the scripts make them of it. */
const CLAIM = `':asking'`;
const WAITING = `':awaiting'`;

/** KEYS: answers. ARGV: lease in ms, then a requestId for each. A holder that comes again keeps its claim. */
const lookUpScript = defineScript(`
local found = redis.call('MGET', unpack(KEYS))
for i, key in ipairs(KEYS) do
  if not found[i] then
    local id, claim, waiting = ARGV[i + 1], key .. ${CLAIM}, key .. ${WAITING}
    if redis.call('SET', claim, id, 'NX', 'PX', ARGV[1]) then
      found[i] = 1
    elseif redis.call('GET', claim) == id then
      redis.call('PEXPIRE', claim, ARGV[1])
      redis.call('SREM', waiting, id)
      found[i] = 1
    else
      redis.call('SADD', waiting, id)
      redis.call('PEXPIRE', waiting, ARGV[1] * 2)
      found[i] = 0
    end
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

/** KEYS: answers. ARGV: of each: requestId, the entry or nothing, its TTL in ms. Gives lists of requestIds. */
const landScript = defineScript(`
local claims, lists = {}, {}
for i, key in ipairs(KEYS) do
  claims[i] = key .. ${CLAIM}
  lists[i] = key .. ${WAITING}
end
local holders = redis.call('MGET', unpack(claims))
local someWait = redis.call('EXISTS', unpack(lists)) > 0

local woken, gone = {}, {}
for i, key in ipairs(KEYS) do
  local id, entry, ttl = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  if entry ~= '' then redis.call('SET', key, entry, 'PX', ttl) end
  woken[i] = {}
  if holders[i] == id then
    gone[#gone + 1] = claims[i]
    if someWait then
      woken[i] = redis.call('SMEMBERS', lists[i])
      gone[#gone + 1] = lists[i]
    end
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

/** KEYS: claim. ARGV: requestId, lease in ms. */
const renewScript = defineScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`);

/** Renews the lease of a claim that the request still has. */
export async function renewClaim(redis: Redis, hash: string, requestId: string, leaseMs: number): Promise<void> {
  await renewScript(redis, [redisKeys.asking(hash)], [requestId, leaseMs]);
}
