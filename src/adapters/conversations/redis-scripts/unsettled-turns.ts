import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { UnsettledTurn } from '../conversation-store.ts';
import { createdAtOf } from '../stored-turn.ts';

/** KEYS: session, turns. ARGV: userId. Gives nil, or requestId and question of each turn that has no answer yet. */
const script = defineScript(`
local text = redis.call('GET', KEYS[1])
if not text or cjson.decode(text).userId ~= ARGV[1] then return false end
local found = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.sub(field, -2) == ':s' then
    local id = string.sub(field, 1, -3)
    found[#found + 1] = {id, redis.call('HGET', KEYS[2], id .. ':q')}
  end
end
return found
`);

/** The turns of a user's session that are not terminal, also those that are not visible yet; reads no answer. */
export async function readUnsettledTurns(
  redis: Redis,
  sessionId: string,
  userId: string,
): Promise<UnsettledTurn[] | undefined> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId)];
  const found = (await script(redis, keys, [userId])) as [string, string][] | null;
  return found?.map(([requestId, question]) => ({ requestId, createdAt: createdAtOf(question) }));
}
