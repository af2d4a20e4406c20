--[[
  Keeps a session for some time at least, because a question is about to be added to it.

  KEYS:
    1 session
    2 turns
    3 tombstone

  ARGV:
    1 for how long at least, in ms

  Output:
    1 the session is there, or was erased
    0 it is not there

  Cost: 2 commands; 4 if its time is prolonged.
]]
local sessionKey, turnsKey, tombstoneKey, leastMs = KEYS[1], KEYS[2], KEYS[3], tonumber(ARGV[1])
local leftMs = redis.call('PTTL', sessionKey)
if leftMs == -2 then return redis.call('EXISTS', tombstoneKey) end
if leftMs >= 0 and leftMs < leastMs then
  redis.call('PEXPIRE', sessionKey, leastMs)
  redis.call('PEXPIRE', turnsKey, leastMs)
end
return 1
