--[[
  Adds the sessions of a user's history to the user's list of sessions. Earlier versions kept no such list, so it is
  made once, when it is first read or added to. Looks at the newest 10,000 turns.

  Costs 1 command, and 1 more for each of these turns.
]]
local function fillSessionList(listKey, historyKey)
  local turns = redis.call('ZREVRANGE', historyKey, 0, 9999, 'WITHSCORES')
  for i = 1, #turns, 2 do redis.call('ZADD', listKey, 'GT', turns[i + 1], cjson.decode(turns[i])[1]) end
end
