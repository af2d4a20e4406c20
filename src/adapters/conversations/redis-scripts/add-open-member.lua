--[[
  Adds a turn to the open turns, with its deadline.

  KEYS:
    1 open turns

  ARGV:
    1 how long from now until its deadline, in ms
    2 member of the sorted set

  Cost: 2 commands.
]]
-- include: server-time
local openTurnsKey, dueInMs, member = KEYS[1], ARGV[1], ARGV[2]
redis.call('ZADD', openTurnsKey, serverTimeMs() + dueInMs, member)
