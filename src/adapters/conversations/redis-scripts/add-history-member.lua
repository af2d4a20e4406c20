--[[
  Adds a turn to its user's history. Removes the turns that are older than any kept session. A turn that is added again
  keeps its place.

  KEYS:
    1 history

  ARGV:
    1 when the turn was asked, in ms
    2 member of the sorted set
    3 when the oldest turn was asked that is kept, in ms
    4 for how long the history is kept, in ms

  Cost: 3 commands.
]]
local historyKey = KEYS[1]
local askedAtMs, member, oldestMs, retentionMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('ZADD', historyKey, 'NX', askedAtMs, member)
redis.call('ZREMRANGEBYSCORE', historyKey, '-inf', oldestMs)
redis.call('PEXPIRE', historyKey, retentionMs)
