--[[
  Opens a provider's gate: all calls of all workers may pass again. Tells the workers. (Its state is then `closed`, as
  in a circuit breaker.)

  KEYS:
    1 gate
    2 probe

  ARGV:
    1 channel on which workers are told
    2 name of the gate

  Output:
    1 it was shut
    0 it was not

  Cost: 3 commands.
]]
local channel, gateName = ARGV[1], ARGV[2]
local wasShut = redis.call('EXISTS', KEYS[1])
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', channel, cjson.encode({gateName, -1}))
return wasShut
