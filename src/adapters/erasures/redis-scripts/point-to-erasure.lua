--[[
  Lets a user, or a conversation, point to another erasure, unless somebody else has changed where it points in
  the meantime.

  KEYS:
    1 pointer

  ARGV:
    1 the id of the erasure that it points to; empty: it does not exist
    2 the id of the erasure that it shall point to; empty: it is removed
    3 how long it is kept, in ms; 0: for ever

  Output:
    1 it is changed
    0 nothing is changed

  Cost: 2 commands, or 1 if nothing is changed.
]]
local pointer = KEYS[1]
local before, after, ttlMs = ARGV[1], ARGV[2], tonumber(ARGV[3])
if (redis.call('GET', pointer) or '') ~= before then return 0 end
if after == '' then
  redis.call('DEL', pointer)
elseif ttlMs == 0 then
  redis.call('SET', pointer, after)
else
  redis.call('SET', pointer, after, 'PX', ttlMs)
end
return 1
