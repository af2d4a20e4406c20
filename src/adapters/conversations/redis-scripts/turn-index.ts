/**
 * Lua: `turnIndex(turns, kept)` gives the number of the next turn, and how many turns there are.
 *
 * A session's turns are numbered in the order in which they were begun. The hash of its turns has, beside the fields of
 * each turn, the field `{number}:n` with the turn's requestId, and the field `index:n` with the next number and the count.
 * So the newest turns, or a page of them, are found without reading the others.
 *
 * `kept` is what `index:n` holds. A session of a version that kept no index is numbered once, by the number that each
 * question begins with.
 */
export const TURN_INDEX = `
local function turnIndex(turns, kept)
  if kept then
    local next, count = string.match(kept, '(%d+) (%d+)')
    return tonumber(next), tonumber(count)
  end
  local found = {}
  for _, field in ipairs(redis.call('HKEYS', turns)) do
    if string.sub(field, -2) == ':q' then
      local number = string.match(redis.call('HGET', turns, field), '^%d+')
      found[#found + 1] = {string.sub(field, 1, -3), tonumber(number)}
    end
  end
  if #found == 0 then return 0, 0 end
  table.sort(found, function(a, b) return a[2] < b[2] end)
  for i, turn in ipairs(found) do redis.call('HSET', turns, (i - 1) .. ':n', turn[1]) end
  redis.call('HSET', turns, 'index:n', #found .. ' ' .. #found)
  return #found, #found
end
`;
