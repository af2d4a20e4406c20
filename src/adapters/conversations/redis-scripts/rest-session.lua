--[[
  Lets a session leave after some time, if none of its turns is open. Then all of it is in MongoDB.

  KEYS:
    1 session
    2 turns

  ARGV:
    1 for how long it still stays, in ms

  Cost: 4 commands; 1 if a turn is open.
]]
local sessionKey, turnsKey, idleMs = KEYS[1], KEYS[2], tonumber(ARGV[1])
for _, field in ipairs(redis.call('HKEYS', turnsKey)) do
  if string.sub(field, -2) == ':s' then return end
end
if redis.call('PTTL', sessionKey) <= idleMs then return end
redis.call('PEXPIRE', sessionKey, idleMs)
redis.call('PEXPIRE', turnsKey, idleMs)
