--[[
  Finds the turns of a user's session that have not ended, including turns that are not visible. Reads no answers.

  KEYS:
    1 session
    2 turns

  ARGV:
    1 userId

  Output:
    nil  the user has no such session
    a list of {requestId, question}

  Cost: 2 commands, and one for each turn that is found.
]]
local sessionKey, turnsKey, userId = KEYS[1], KEYS[2], ARGV[1]
local session = redis.call('GET', sessionKey)
if not session or cjson.decode(session).userId ~= userId then return false end
local found = {}
for _, field in ipairs(redis.call('HKEYS', turnsKey)) do
  if string.sub(field, -2) == ':s' then
    local requestId = string.sub(field, 1, -3)
    found[#found + 1] = {requestId, redis.call('HGET', turnsKey, requestId .. ':q')}
  end
end
return found
