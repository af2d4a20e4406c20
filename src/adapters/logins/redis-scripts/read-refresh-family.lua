--[[
  Reads a family of refresh tokens, and the server's time, which the times of its exchanges are compared with.

  KEYS:
    1 family

  ARGV:
    1.. the fields to read

  Output: {the server's time in ms, {the values of the fields}}
    Missing fields are nil. If there is no family, all of them are nil.

  Cost: 2 commands.
]]
-- include: server-time
local family = KEYS[1]
return {serverTimeMs(), redis.call('HMGET', family, unpack(ARGV))}
