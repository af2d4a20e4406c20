import type { Redis } from 'ioredis';
import { redisKeys, SETTLED_CHANNEL } from '../../../contracts/redis-keys.ts';
import { channelOf } from '../../redis/channels.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Remains } from '../conversation-store.ts';

/** Longer than an answer can be on its way. */
const TOMBSTONE_MS = 7 * 24 * 3_600_000;
/** What the tombstone holds once there is nothing left to be erased. */
export const ERASED = '1';
/** Stands in a notice where otherwise the replica is named: all replicas are to look. */
const ERASER = 'erased';

/**
 * KEYS: session, turns, tombstone. ARGV: userId, the tombstone's TTL in ms, the channel of notices. Gives what the
 * tombstone holds, or nil. The answers are not read: a turn's answer key is a field of its own. Whoever waits for one of
 * its turns is told.
 */
const eraseScript = defineScript(`
local erased = redis.call('GET', KEYS[3])
if erased then
  return erased ~= '${ERASED}' and cjson.decode(erased).userId == ARGV[1] and erased
end
local session = redis.call('GET', KEYS[1])
if not session or cjson.decode(session).userId ~= ARGV[1] then return false end
local ids, keys = {}, {}
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  local kind = string.sub(field, -2)
  if kind == ':q' then ids[#ids + 1] = string.sub(field, 1, -3) end
  if kind == ':k' then keys[#keys + 1] = field end
  if kind == ':s' then redis.call('PUBLISH', ARGV[3], '${ERASER} ' .. string.sub(field, 1, -3)) end
end
local answers = #keys > 0 and redis.call('HMGET', KEYS[2], unpack(keys)) or {}
erased = cjson.encode({userId = ARGV[1], requestIds = ids, answerKeys = answers})
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SET', KEYS[3], erased, 'PX', ARGV[2])
return erased
`);

/**
 * Erases the session, and leaves a tombstone that holds what is yet to be erased elsewhere. Repeated, it gives the same
 * until `markErased`; undefined if the user has no such session.
 */
export async function eraseSession(redis: Redis, sessionId: string, userId: string): Promise<Remains | undefined> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId), redisKeys.erased(sessionId)];
  const text = (await eraseScript(redis, keys, [userId, TOMBSTONE_MS, channelOf(redis, SETTLED_CHANNEL)])) as
    | string
    | null;
  if (text === null) return undefined;
  const { requestIds, answerKeys } = JSON.parse(text) as Record<keyof Remains, unknown>;
  return { requestIds: listOf(requestIds), answerKeys: listOf(answerKeys), version: text };
}

/** KEYS: tombstone. ARGV: what it held, its TTL in ms. Gives 1, or 0 if it holds something else by now. */
const doneScript = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], '${ERASED}', 'PX', ARGV[2])
return 1
`);

/** Nothing of this is left to be erased, and the tombstone forgets it; says whether nothing was added since. */
export async function markErased(redis: Redis, sessionId: string, { version }: Remains): Promise<boolean> {
  return (await doneScript(redis, [redisKeys.erased(sessionId)], [version, TOMBSTONE_MS])) === 1;
}

/** Lua writes an empty list as an empty object. */
const listOf = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);
