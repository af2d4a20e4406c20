import type { Redis } from 'ioredis';
import { limits } from '../../../contracts/limits.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { BeginOutcome, NewTurn } from '../history-store.ts';

/**
 * A turn has two fields at any time: the question, which begins with its number in the session, and the state or the
 * answer.
 *
 * KEYS: session, turns, tombstone. ARGV: requestId, question, userId, whether a session may be made, the new session,
 * its TTL in ms, most turns.
 */
const script = defineScript(`
if redis.call('EXISTS', KEYS[3]) == 1 then return 'not_found' end
local text = redis.call('GET', KEYS[1])
if text then
  local session = cjson.decode(text)
  if session.userId ~= ARGV[3] then return 'not_found' end
  if redis.call('HEXISTS', KEYS[2], ARGV[1] .. ':q') == 1 then return 'begun' end
  if ARGV[4] == '0' and session.status == 'accepting' then return 'not_found' end
elseif ARGV[4] == '1' then
  redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[6])
else
  return 'not_found'
end
local turns = redis.call('HLEN', KEYS[2]) / 2
if turns >= tonumber(ARGV[7]) then return 'full' end
redis.call('HSET', KEYS[2], ARGV[1] .. ':q', string.format('%d %s', turns, ARGV[2]), ARGV[1] .. ':s', 'accepting')
redis.call('PEXPIRE', KEYS[2], math.max(redis.call('PTTL', KEYS[1]), 1))
return 'begun'
`);

/** Writes a turn down as accepting; a session made for it is kept for `ttlMs` unless the turn is confirmed. */
export async function beginTurn(
  redis: Redis,
  { sessionId, userId, requestId, message, createdAt }: NewTurn,
  options: { newSession: boolean; ttlMs: number },
): Promise<BeginOutcome> {
  const session = { sessionId, userId, status: 'accepting', requestId, createdAt, updatedAt: createdAt };
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId), redisKeys.erased(sessionId)];
  return (await script(redis, keys, [
    requestId,
    JSON.stringify({ message, createdAt }),
    userId,
    options.newSession ? '1' : '0',
    JSON.stringify(session),
    options.ttlMs,
    limits.sessionTurns,
  ])) as BeginOutcome;
}
