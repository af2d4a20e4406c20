--[[
  Sets the deadline of turns. A turn that is not open is not added.

  KEYS:
    1 open turns

  ARGV:
    1    how long from now until their deadline, in ms; negative if the deadline has passed
    2... members of the sorted set

  Cost: 1 command, and 1 for each turn.
]]
-- include: server-time
local openTurnsKey, dueInMs = KEYS[1], ARGV[1]
local deadlineMs = serverTimeMs() + dueInMs
for i = 2, #ARGV do redis.call('ZADD', openTurnsKey, 'XX', deadlineMs, ARGV[i]) end
