--[[
  Notes that a login has ended, removes the logins whose access tokens have all expired, and tells all processes.

  KEYS:
    1 ended logins

  ARGV:
    1 id of the login
    2 for how long it is kept, in ms
    3 channel on which processes are told

  Output: nothing.

  Cost: 5 commands.
]]
-- include: server-time
local endedLogins = KEYS[1]
local loginId, keepMs, channel = ARGV[1], ARGV[2], ARGV[3]
local now = serverTimeMs()
redis.call('ZREMRANGEBYSCORE', endedLogins, '-inf', now - keepMs)
redis.call('ZADD', endedLogins, now, loginId)
redis.call('PEXPIRE', endedLogins, keepMs)
redis.call('PUBLISH', channel, loginId)
