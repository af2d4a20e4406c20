--[[
  Shuts a provider's gate for at least the given time, and tells all workers.

  KEYS:
    1 gate

  ARGV:
    1 for how long, in ms
    2 cause
    3 fingerprint of our API key
    4 channel on which workers are told
    5 name of the gate

  Output:
    {ms until one call may try the model, cause, fingerprint of the key}: how the gate is shut now

  Cost: 6 or 7 commands.
]]
-- include: shut
local ms, cause, key, channel, gateName = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local now = serverTimeMs()
return shut(KEYS[1], now, now + ms, cause, key, channel, gateName)
