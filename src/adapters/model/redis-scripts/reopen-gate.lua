--[[
  Shuts a provider's gate again after a failed probe, and tells all workers. The time doubles with each failed probe in
  a row, up to four times the first time.

  KEYS:
    1 gate
    2 probe

  ARGV:
    1 id of the try that failed
    2 for how long after the first failed probe, in ms
    3 cause
    4 fingerprint of our API key
    5 channel on which workers are told
    6 name of the gate

  Output:
    {ms until one call may try the model, cause, fingerprint of the key}: how the gate is shut now

  Cost: 8 to 10 commands.
]]
-- include: shut
local MOST_TIMES_LONGER = 4

local probeId, firstMs, cause, key, channel, gateName = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local now = serverTimeMs()
if redis.call('GET', KEYS[2]) == probeId then redis.call('DEL', KEYS[2]) end
local failedProbes = redis.call('HINCRBY', KEYS[1], 'probes', 1)
local ms = firstMs * math.min(MOST_TIMES_LONGER, 2 ^ (failedProbes - 1))
return shut(KEYS[1], now, now + ms, cause, key, channel, gateName)
