--[[
  Makes a user's list of sessions from the history if there is none. An earlier version wrote that history.

  KEYS:
    1 history
    2 list of sessions

  Cost: 1 command; else 3, and 1 for each turn of the history.
]]
-- include: session-list
local historyKey, listKey = KEYS[1], KEYS[2]
if redis.call('EXISTS', listKey) == 1 then return end
fillSessionList(listKey, historyKey)
local keptMs = redis.call('PTTL', historyKey)
if keptMs > 0 then redis.call('PEXPIRE', listKey, keptMs) end
