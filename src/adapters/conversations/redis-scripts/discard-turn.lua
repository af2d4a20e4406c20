--[[
  Removes a turn if it is still accepting. Any other turn stays.

  KEYS:
    1 turns

  ARGV:
    1 requestId

  Cost: 3 commands; 1 for a turn that stays.
]]
-- include: turn-index
local turnsKey, requestId = KEYS[1], ARGV[1]
local fields = redis.call('HMGET', turnsKey, requestId .. ':s', requestId .. ':q', 'index:n')
local state, question, index = fields[1], fields[2], fields[3]
if state ~= 'accepting' then return end
local nextNumber, count = readTurnIndex(turnsKey, index)
redis.call('HSET', turnsKey, 'index:n', nextNumber .. ' ' .. (count - 1))
redis.call('HDEL', turnsKey, requestId .. ':q', requestId .. ':s', string.match(question, '^%d+') .. ':n')
