--[[
  Erases a session. Leaves a tombstone that lists what must still be erased elsewhere. Tells everybody who waits for one
  of its turns. The keys of its answers in the cache are fields of their own, so the answers need not be read.

  KEYS:
    1 session
    2 turns
    3 tombstone

  ARGV:
    1 userId
    2 for how long the tombstone is kept, in ms
    3 channel of notices

  Output:
    nil  the user has no such session, or nothing of it is left
    the tombstone, as JSON: {"userId", "requestIds", "answerKeys", "had"}. The last one counts what was erased with the
      session: {"turns", "feedback", "openTurns"}

  Cost: 1 command if it was erased before; else 5, one more if its turns have answers in the cache, and one for each
  turn that has not ended.
]]
-- constant: NOTHING_LEFT
-- constant: ERASER
local sessionKey, turnsKey, tombstoneKey = KEYS[1], KEYS[2], KEYS[3]
local userId, tombstoneMs, channel = ARGV[1], ARGV[2], ARGV[3]

local tombstone = redis.call('GET', tombstoneKey)
if tombstone then
  return tombstone ~= NOTHING_LEFT and cjson.decode(tombstone).userId == userId and tombstone
end
local session = redis.call('GET', sessionKey)
if not session or cjson.decode(session).userId ~= userId then return false end
local requestIds, answerKeyFields = {}, {}
local had = {turns = 0, feedback = 0, openTurns = 0}
for _, field in ipairs(redis.call('HKEYS', turnsKey)) do
  local requestId, kind = string.sub(field, 1, -3), string.sub(field, -2)
  if kind == ':q' then requestIds[#requestIds + 1] = requestId end
  if kind == ':k' then answerKeyFields[#answerKeyFields + 1] = field end
  if kind == ':f' then had.feedback = had.feedback + 1 end
  if kind == ':s' then
    had.openTurns = had.openTurns + 1
    redis.call('PUBLISH', channel, ERASER .. ' ' .. requestId)
  end
end
had.turns = #requestIds
local answerKeys = #answerKeyFields > 0 and redis.call('HMGET', turnsKey, unpack(answerKeyFields)) or {}
tombstone = cjson.encode({userId = userId, requestIds = requestIds, answerKeys = answerKeys, had = had})
redis.call('DEL', sessionKey, turnsKey)
redis.call('SET', tombstoneKey, tombstone, 'PX', tombstoneMs)
return tombstone
