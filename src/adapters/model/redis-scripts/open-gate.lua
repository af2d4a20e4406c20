--[[
  Opens a provider's gate: all calls of all workers may pass again. Tells the workers.

  KEYS:
    1 gate
    2 probe

  ARGV:
    1 channel on which workers are told
    2 name of the gate
    3 who opens it: `operator`, or `probe` after a probe that succeeded

  Output:
    1  it was shut
    0  it was not
    -1 it stays shut: an operator has shut it while the probe was under way

  Cost: 3 commands, or 5 after a probe.
]]
-- include: server-time
local channel, gateName, who = ARGV[1], ARGV[2], ARGV[3]
if who == 'probe' then
  local gate = redis.call('HMGET', KEYS[1], 'until', 'cause')
  if gate[2] == 'operator' and tonumber(gate[1]) > serverTimeMs() then return -1 end
end
local wasShut = redis.call('EXISTS', KEYS[1])
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', channel, cjson.encode({gateName, -1}))
return wasShut
