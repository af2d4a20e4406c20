--[[
  A session's turns are numbered in the order in which they were begun. In the hash of turns, the field `{number}:n` has
  the requestId of that turn. The field `index:n` has the next number and the count of turns. So the newest turns, or a
  page of them, are found without reading the others.

  Returns the number of the next turn, and the count of turns. Earlier versions kept no index. Their sessions are
  numbered once, in the order of the numbers that their questions begin with. Costs no command, except for such a
  session.
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
