--[[
  Finds the turns whose deadline has passed, the oldest deadline first.

  KEYS:
    1 open turns

  ARGV:
    1 how long they must have been overdue, in ms
    2 how many turns at most

  Output: members of the sorted set

  Cost: 2 commands.
]]
-- include: server-time
local openTurnsKey, overdueMs, most = KEYS[1], ARGV[1], ARGV[2]
return redis.call('ZRANGEBYSCORE', openTurnsKey, '-inf', serverTimeMs() - overdueMs, 'LIMIT', 0, most)
