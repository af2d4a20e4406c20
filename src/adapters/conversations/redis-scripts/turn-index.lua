--[[
  A session's turns are numbered in the order in which they were begun. Beside the fields of each turn, the hash of
  turns has the field `{number}:n` with the turn's requestId, and the field `index:n` with the next number and the
  count of turns. So the newest turns, or a page of them, are found without reading the others.

  Gives the number of the next turn, and the count of turns. A session of a version that kept no index is numbered
  once, in the order of the numbers that its questions begin with. Costs no command, except for such a session.
]]
local function readTurnIndex(turnsKey, kept)
  if kept then
    local nextNumber, count = string.match(kept, '(%d+) (%d+)')
    return tonumber(nextNumber), tonumber(count)
  end
  local found = {}
  for _, field in ipairs(redis.call('HKEYS', turnsKey)) do
    if string.sub(field, -2) == ':q' then
      local number = string.match(redis.call('HGET', turnsKey, field), '^%d+')
      found[#found + 1] = {requestId = string.sub(field, 1, -3), number = tonumber(number)}
    end
  end
  if #found == 0 then return 0, 0 end
  table.sort(found, function(a, b) return a.number < b.number end)
  for i, turn in ipairs(found) do redis.call('HSET', turnsKey, (i - 1) .. ':n', turn.requestId) end
  redis.call('HSET', turnsKey, 'index:n', #found .. ' ' .. #found)
  return #found, #found
end
