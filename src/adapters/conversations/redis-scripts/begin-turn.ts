import type { Redis } from 'ioredis';
import { limits } from '../../../contracts/limits.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { BeginOutcome, NewTurn } from '../conversation-store.ts';
import { TURN_INDEX } from './turn-index.ts';

/**
 * A turn has two fields of its own at any time: the question, and the state or, once there is one, the answer. A third
 * one makes it part of the index; see turn-index.
 *
 * Only turns that were confirmed or answered count against the limit. There may be as many others again; then the oldest
 * of those makes room.
 *
 * KEYS: session, turns, tombstone. ARGV: requestId, question, userId, whether it is for a new session, the new session,
 * its TTL in ms, most turns.
 */
const script = defineScript(`
${TURN_INDEX}
local id, most = ARGV[1], tonumber(ARGV[7])
local refused = ARGV[4] == '1' and 'taken' or 'not_found'
if redis.call('EXISTS', KEYS[3]) == 1 then return refused end
local text = redis.call('GET', KEYS[1])
local next, count, ttl = 0, 0, ARGV[6]

local function dropOldest(hidden)
  for first = 0, next - 1, most do
    local numbers = {}
    for number = first, math.min(next, first + most) - 1 do numbers[#numbers + 1] = number .. ':n' end
    for i, turn in ipairs(redis.call('HMGET', KEYS[2], unpack(numbers))) do
      if turn and hidden[turn] then
        redis.call('HDEL', KEYS[2], turn .. ':q', turn .. ':s', numbers[i])
        count = count - 1
        return
      end
    end
  end
end

local function makeRoom()
  local states, hidden, visible = {}, {}, count
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(field, -2) == ':s' then states[#states + 1] = field end
  end
  for i, state in ipairs(#states > 0 and redis.call('HMGET', KEYS[2], unpack(states)) or {}) do
    if state == 'accepting' then
      hidden[string.sub(states[i], 1, -3)] = true
      visible = visible - 1
    end
  end
  if visible >= most then return false end
  if count >= 2 * most then dropOldest(hidden) end
  return true
end

if text then
  local session = cjson.decode(text)
  if session.userId ~= ARGV[3] then return refused end
  local fields = redis.call('HMGET', KEYS[2], id .. ':q', 'index:n')
  if fields[1] then return 'begun' end
  -- A session that nobody has seen yet can only be begun, one that was seen only be continued.
  if (session.status == 'accepting') ~= (ARGV[4] == '1') then return refused end
  next, count = turnIndex(KEYS[2], fields[2])
  if count >= most and not makeRoom() then return 'full' end
  ttl = math.max(redis.call('PTTL', KEYS[1]), 1)
elseif ARGV[4] == '1' then
  redis.call('SET', KEYS[1], ARGV[5], 'PX', ttl)
else
  return refused
end
redis.call('HSET', KEYS[2], id .. ':q', next .. ' ' .. ARGV[2], id .. ':s', 'accepting',
  next .. ':n', id, 'index:n', (next + 1) .. ' ' .. (count + 1))
redis.call('PEXPIRE', KEYS[2], ttl)
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
