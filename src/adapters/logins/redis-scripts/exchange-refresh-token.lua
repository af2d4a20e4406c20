--[[
  Replaces the valid token of a family, unless another request has exchanged it in the meantime.

  KEYS:
    1 family

  ARGV:
    1   hash of the token that is exchanged
    2   for how long the family is kept, in ms
    3.. fields of the family and their values, in turn

  Output:
    1 it is exchanged
    0 nothing is changed: that token is not the valid one, or there is no such family

  Cost: 3 commands, or 1 if nothing is changed.
]]
local family = KEYS[1]
local exchangedHash, ttlMs, firstField = ARGV[1], ARGV[2], 3
if redis.call('HGET', family, 'hash') ~= exchangedHash then return 0 end
redis.call('HSET', family, unpack(ARGV, firstField))
redis.call('PEXPIRE', family, ttlMs)
return 1
