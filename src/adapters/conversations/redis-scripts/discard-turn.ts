import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import { TURN_INDEX } from './turn-index.ts';

/** KEYS: turns. ARGV: requestId. */
const script = defineScript(`
${TURN_INDEX}
local fields = redis.call('HMGET', KEYS[1], ARGV[1] .. ':s', ARGV[1] .. ':q', 'index:n')
if fields[1] ~= 'accepting' then return 0 end
local next, count = turnIndex(KEYS[1], fields[3])
redis.call('HSET', KEYS[1], 'index:n', next .. ' ' .. (count - 1))
redis.call('HDEL', KEYS[1], ARGV[1] .. ':q', ARGV[1] .. ':s', string.match(fields[2], '^%d+') .. ':n')
return 1
`);

/** Removes a turn that was never confirmed nor answered; says whether it was one. */
export async function discardTurn(redis: Redis, sessionId: string, requestId: string): Promise<boolean> {
  return (await script(redis, [redisKeys.turns(sessionId)], [requestId])) === 1;
}
