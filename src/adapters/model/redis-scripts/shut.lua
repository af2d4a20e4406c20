-- include: server-time

-- After its time is over, a gate that nobody uses is forgotten after this long.
local FORGOTTEN_AFTER_MS = 3600000

-- Shuts a gate until a time, and tells all workers. If the gate is shut for longer already, that time and its cause
-- stay. Returns how the gate is shut now: {ms left, cause, fingerprint of the key}. Costs 5 commands, or 6 if it was
-- shut for longer already.
local function shut(gate, now, untilMs, cause, key, channel, gateName)
  local shutUntilMs = tonumber(redis.call('HGET', gate, 'until') or '0')
  if untilMs >= shutUntilMs then
    redis.call('HSET', gate, 'until', string.format('%.0f', untilMs), 'cause', cause, 'key', key)
  else
    untilMs = shutUntilMs
    cause = redis.call('HGET', gate, 'cause') or cause
    key = redis.call('HGET', gate, 'key') or key
  end
  redis.call('HSETNX', gate, 'since', string.format('%.0f', now))
  redis.call('PEXPIRE', gate, untilMs - now + FORGOTTEN_AFTER_MS)
  redis.call('PUBLISH', channel, cjson.encode({gateName, untilMs - now, cause, key}))
  return {untilMs - now, cause, key}
end
