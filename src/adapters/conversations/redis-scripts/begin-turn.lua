--[[
  Writes a turn down as accepting.

  The hash of turns has a field for each turn's question, one for its state, and one for its place in the index (see
  turn-index). An answer replaces the state.

  Only turns that were confirmed or answered count against the limit. There may be as many other turns in addition. If
  there are more, the oldest of them is removed.

  KEYS:
    1 session
    2 turns
    3 tombstone

  ARGV:
    1 requestId
    2 question, as JSON
    3 userId
    4 1 if the session begins with this turn, else 0
    5 the new session, as JSON
    6 for how long a new session is kept, in ms
    7 most turns of a session

  Output:
    'begun'      the turn is written down, or was before
    'taken'      a new session was asked for, but this one was visible before, is another user's, or was erased
    'not_found'  the session should continue, but does not exist, was never visible, is another user's, or was erased
    'full'       the session has as many turns as it may have

  Cost: 5 commands for a new session, 6 for one that is continued, 7 for one whose first question was refused. A session
  that has as many turns as the limit, accepting ones included, costs 2 more; and up to 3 more where it has twice as
  many.
]]
-- include: session-seen
-- include: turn-index
local sessionKey, turnsKey, tombstoneKey = KEYS[1], KEYS[2], KEYS[3]
local requestId, question, userId = ARGV[1], ARGV[2], ARGV[3]
local beginsSession, newSession, ttlMs = ARGV[4] == '1', ARGV[5], ARGV[6]
local mostTurns = tonumber(ARGV[7])

-- Removes the oldest turn of a set of requestIds. Returns how many were removed: 1 or 0.
local function dropOldest(hidden, nextNumber)
  for first = 0, nextNumber - 1, mostTurns do
    local fields = {}
    for number = first, math.min(nextNumber, first + mostTurns) - 1 do fields[#fields + 1] = number .. ':n' end
    for i, turn in ipairs(redis.call('HMGET', turnsKey, unpack(fields))) do
      if turn and hidden[turn] then
        redis.call('HDEL', turnsKey, turn .. ':q', turn .. ':s', fields[i])
        return 1
      end
    end
  end
  return 0
end

-- Returns how many turns there are if there is room for one more, or nil if there is none.
local function makeRoom(nextNumber, count)
  local states, hidden, visible = {}, {}, count
  for _, field in ipairs(redis.call('HKEYS', turnsKey)) do
    if string.sub(field, -2) == ':s' then states[#states + 1] = field end
  end
  for i, state in ipairs(#states > 0 and redis.call('HMGET', turnsKey, unpack(states)) or {}) do
    if state == 'accepting' then
      hidden[string.sub(states[i], 1, -3)] = true
      visible = visible - 1
    end
  end
  if visible >= mostTurns then return nil end
  if count >= 2 * mostTurns then count = count - dropOldest(hidden, nextNumber) end
  return count
end

local refused = beginsSession and 'taken' or 'not_found'
if redis.call('EXISTS', tombstoneKey) == 1 then return refused end
local text = redis.call('GET', sessionKey)
local nextNumber, count = 0, 0
if text then
  local session = cjson.decode(text)
  if session.userId ~= userId then return refused end
  local known = redis.call('HMGET', turnsKey, requestId .. ':q', 'index:n')
  local asked, index = known[1], known[2]
  if asked then return 'begun' end
  -- A session that was never visible can only be begun, and a session that was visible can only be continued.
  if wasSeen(session) == beginsSession then return refused end
  -- The question that it began with before was refused, so this one gives the title.
  if beginsSession then
    local new = cjson.decode(newSession)
    session.title, session.sealed = new.title, new.sealed
    redis.call('SET', sessionKey, cjson.encode(session), 'KEEPTTL')
  end
  nextNumber, count = readTurnIndex(turnsKey, index)
  if count >= mostTurns then
    count = makeRoom(nextNumber, count)
    if not count then return 'full' end
  end
  ttlMs = math.max(redis.call('PTTL', sessionKey), 1)
elseif beginsSession then
  redis.call('SET', sessionKey, newSession, 'PX', ttlMs)
else
  return refused
end
redis.call('HSET', turnsKey, requestId .. ':q', nextNumber .. ' ' .. question, requestId .. ':s', 'accepting',
  nextNumber .. ':n', requestId, 'index:n', (nextNumber + 1) .. ' ' .. (count + 1))
redis.call('PEXPIRE', turnsKey, ttlMs)
return 'begun'
