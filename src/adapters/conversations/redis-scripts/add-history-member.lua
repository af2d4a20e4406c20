--[[
  Adds a turn to its user's history, and moves its session to the front of the user's list of sessions. Removes what is
  older than any kept session. A turn that is added again keeps its place. The turn of an erased user is refused.

  KEYS:
    1 history
    2 list of sessions
    3 mark of an erased user

  ARGV:
    1 when the turn was asked, in ms
    2 member of the history
    3 sessionId
    4 when the oldest turn was asked that is kept, in ms
    5 for how long the history is kept, in ms

  Output:
    1 it is added
    0 the user was erased

  Cost: 6 commands; 8 for a new session. The first session of the list costs as many more as the history has turns.
]]
-- include: session-list
local historyKey, listKey, erasedKey = KEYS[1], KEYS[2], KEYS[3]
local askedAtMs, member, sessionId, oldestMs, retentionMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('EXISTS', erasedKey) == 1 then return 0 end
redis.call('ZADD', historyKey, 'NX', askedAtMs, member)
redis.call('ZREMRANGEBYSCORE', historyKey, '-inf', oldestMs)
redis.call('PEXPIRE', historyKey, retentionMs)
if redis.call('ZADD', listKey, 'GT', askedAtMs, sessionId) == 1 then
  redis.call('ZREMRANGEBYSCORE', listKey, '-inf', oldestMs)
  if redis.call('ZCARD', listKey) == 1 then fillSessionList(listKey, historyKey) end
end
redis.call('PEXPIRE', listKey, retentionMs)
return 1
