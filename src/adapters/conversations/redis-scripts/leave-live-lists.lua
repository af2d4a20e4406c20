--[[
  Removes a turn that MongoDB has from its user's history in Redis. Removes its session from the list of sessions as
  well, unless a newer question of it is there.

  KEYS:
    1 history
    2 list of sessions

  ARGV:
    1 member of the history
    2 sessionId
    3 when the turn was asked, in ms

  Cost: 2 commands; 3 if the session is removed.
]]
local historyKey, listKey = KEYS[1], KEYS[2]
local member, sessionId, askedAtMs = ARGV[1], ARGV[2], tonumber(ARGV[3])
redis.call('ZREM', historyKey, member)
local newestMs = redis.call('ZSCORE', listKey, sessionId)
if newestMs and tonumber(newestMs) <= askedAtMs then redis.call('ZREM', listKey, sessionId) end
