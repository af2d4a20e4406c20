--[[
  Reads until when a provider's gate is shut, and why.

  KEYS:
    1 gate

  Output:
    -1 the gate is open: all calls may pass
    {ms until one call may try the model, cause, fingerprint of the key that was in use when it was shut}

  Cost: 2 commands.
]]
-- include: server-time
local now = serverTimeMs()
local gate = redis.call('HMGET', KEYS[1], 'until', 'cause', 'key')
if not gate[1] then return -1 end
local untilMs, cause, key = tonumber(gate[1]), gate[2], gate[3]
return {math.max(0, untilMs - now), cause or 'failures', key or ''}
