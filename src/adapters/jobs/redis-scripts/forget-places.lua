--[[
  Forgets the places of users in line, if nobody waits: see line.lua.

  KEYS:
    1 prioritized
    2 next-tags

  Output:
    how many fields were removed

  Cost: 1 command, or 3 if nobody waits.
]]
local line, nextTags = KEYS[1], KEYS[2]
if redis.call('EXISTS', line) == 1 then return 0 end
local count = redis.call('HLEN', nextTags)
redis.call('DEL', nextTags)
return count
