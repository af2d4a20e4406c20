--[[
  Keeps the probe for longer. If the lease has expired and another worker has the probe by now, that worker keeps it.

  KEYS:
    1 probe

  ARGV:
    1 id of the try
    2 for how long from now, in ms

  Cost: 1 or 2 commands.
]]
local probeId, leaseMs = ARGV[1], ARGV[2]
if redis.call('GET', KEYS[1]) == probeId then redis.call('PEXPIRE', KEYS[1], leaseMs) end
