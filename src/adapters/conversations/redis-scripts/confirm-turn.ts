import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';

/** KEYS: session, turns. ARGV: requestId, now, retention in ms. A turn that is terminal already stays as it is. */
const script = defineScript(`
local text = redis.call('GET', KEYS[1])
if not text or redis.call('HGET', KEYS[2], ARGV[1] .. ':s') ~= 'accepting' then return 0 end
redis.call('HSET', KEYS[2], ARGV[1] .. ':s', 'queued')
local session = cjson.decode(text)
session.status = 'queued'
session.requestId = ARGV[1]
session.updatedAt = ARGV[2]
redis.call('SET', KEYS[1], cjson.encode(session), 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
`);

/** Makes an accepting turn visible as queued. */
export async function confirmTurn(
  redis: Redis,
  sessionId: string,
  requestId: string,
  retentionMs: number,
): Promise<void> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId)];
  await script(redis, keys, [requestId, new Date().toISOString(), retentionMs]);
}
