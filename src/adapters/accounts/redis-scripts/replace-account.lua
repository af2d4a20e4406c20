--[[
  Replaces an account, unless somebody has changed it in the meantime.

  KEYS:
    1 account

  ARGV:
    1 the account as it was read
    2 the account as it shall be

  Output:
    1 it is replaced
    0 nothing is changed

  Cost: 2 commands, or 1 if nothing is changed.
]]
local account = KEYS[1]
local before, after = ARGV[1], ARGV[2]
if redis.call('GET', account) ~= before then return 0 end
redis.call('SET', account, after)
return 1
