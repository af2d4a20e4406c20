--[[
  Gives up the probe, so that another worker may try. If the lease has expired and another worker has the probe by now,
  that worker keeps it.

  KEYS:
    1 probe

  ARGV:
    1 id of the try

  Cost: 1 or 2 commands.
]]
local probeId = ARGV[1]
if redis.call('GET', KEYS[1]) == probeId then redis.call('DEL', KEYS[1]) end
