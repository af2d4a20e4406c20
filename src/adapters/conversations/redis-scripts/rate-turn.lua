--[[
  Keeps or removes the feedback of a turn. The session is kept no longer than before.

  KEYS:
    1 session
    2 turns

  ARGV:
    1 userId
    2 requestId
    3 feedback, as JSON; or nothing: remove it

  Output:
    nil  the user has no such turn, or it has no answer
    the feedback before, as JSON, or ''

  Cost: 4 commands.
]]
local sessionKey, turnsKey = KEYS[1], KEYS[2]
local userId, requestId, feedback = ARGV[1], ARGV[2], ARGV[3]
local session = redis.call('GET', sessionKey)
if not session or cjson.decode(session).userId ~= userId then return false end
if redis.call('HEXISTS', turnsKey, requestId .. ':a') == 0 then return false end
local earlier = redis.call('HGET', turnsKey, requestId .. ':f') or ''
if feedback == '' then
  redis.call('HDEL', turnsKey, requestId .. ':f')
else
  redis.call('HSET', turnsKey, requestId .. ':f', feedback)
end
return earlier
