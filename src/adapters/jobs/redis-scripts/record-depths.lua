--[[
  Keeps a sample of the depths, unless somebody has kept one for the same step of time. So many processes may offer one.

  KEYS:
    1 depth history

  ARGV:
    1 length of a step, in ms
    2 how many samples are kept
    3 the sample, JSON

  Output:
    1 it was kept
    0 there was one already

  Cost: 2 commands, or 5.
]]
-- include: server-time
local stepMs, kept, sample = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local step = math.floor(serverTimeMs() / stepMs)
local latest = redis.call('LINDEX', KEYS[1], 0)
if latest and tonumber(string.match(latest, '^%d+')) >= step then return 0 end
redis.call('LPUSH', KEYS[1], string.format('%.0f', step) .. ' ' .. sample)
redis.call('LTRIM', KEYS[1], 0, kept - 1)
redis.call('PEXPIRE', KEYS[1], 2 * stepMs * kept)
return 1
