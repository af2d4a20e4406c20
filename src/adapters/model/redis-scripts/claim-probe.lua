--[[
  Claims the probe for one worker: the right to try a model whose gate is probing. If our key was refused, a worker
  with another key need not wait until the gate is probing.

  KEYS:
    1 gate
    2 probe

  ARGV:
    1 id of the try
    2 for how long the worker has the right, in ms
    3 fingerprint of the worker's API key

  Output:
    0  the worker may try
    -1 the gate is open: all calls may pass
    -2 another worker is trying
    {ms until one call may try the model, cause, fingerprint of the key that was in use when it was shut}: it is shut

  Cost: 2 or 3 commands.
]]
-- include: server-time
local probeId, leaseMs, ourKey = ARGV[1], ARGV[2], ARGV[3]
local now = serverTimeMs()
local gate = redis.call('HMGET', KEYS[1], 'until', 'cause', 'key')
if not gate[1] then return -1 end
local untilMs, cause, key = tonumber(gate[1]), gate[2], gate[3]
local hasNewKey = cause == 'key' and key ~= ourKey
if untilMs > now and not hasNewKey then return {untilMs - now, cause or 'failures', key or ''} end
if redis.call('SET', KEYS[2], probeId, 'NX', 'PX', leaseMs) then return 0 end
return -2
