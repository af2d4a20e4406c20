--[[
  Puts a data key in the place of another.

  KEYS:
    1 data key

  ARGV:
    1 the key before, as JSON
    2 the key after, as JSON

  Output:
    1  it is replaced
    0  there is another key than the one before, or none

  Cost: 2 commands.
]]
local dataKey, before, after = KEYS[1], ARGV[1], ARGV[2]
if redis.call('GET', dataKey) ~= before then return 0 end
redis.call('SET', dataKey, after)
return 1
