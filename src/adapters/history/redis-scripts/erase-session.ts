import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';

/** Longer than an answer can be on its way. */
const TOMBSTONE_MS = 7 * 24 * 3_600_000;

/** KEYS: session, turns, tombstone. ARGV: userId, the tombstone's TTL in ms. Gives the fields of the turns, or nil. */
const script = defineScript(`
local session = redis.call('GET', KEYS[1])
if not session or cjson.decode(session).userId ~= ARGV[1] then return false end
local fields = redis.call('HKEYS', KEYS[2])
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SET', KEYS[3], '1', 'PX', ARGV[2])
return fields
`);

/** Erases the session and leaves a tombstone; gives the requestIds it had, or undefined if the user has no such one. */
export async function eraseSession(redis: Redis, sessionId: string, userId: string): Promise<string[] | undefined> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId), redisKeys.erased(sessionId)];
  const fields = (await script(redis, keys, [userId, TOMBSTONE_MS])) as string[] | null;
  return fields?.filter((field) => field.endsWith(':q')).map((field) => field.slice(0, -2));
}
