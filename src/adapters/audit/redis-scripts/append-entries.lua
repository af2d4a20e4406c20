--[[
  Adds entries to the audit trail, unless somebody else was faster.

  KEYS:
    1 the trail

  ARGV:
    1 the number of the entry that is the last, as far as the caller knows; 0 if there is none
    2 its hash
    3... for each new entry: its hash, its JSON

  Output:
    1 if the entries were added, else 0
    2 the number of the last entry, as it was before
    3 its hash

  Cost: 1 command, and 1 for each entry that is added.
]]
local trail = KEYS[1]
local number, hash = ARGV[1], ARGV[2]
local last = redis.call('XREVRANGE', trail, '+', '-', 'COUNT', 1)[1]
local lastNumber, lastHash = '0', hash
if last then
  lastNumber = string.match(last[1], '^%d+')
  lastHash = last[2][2]
end
if lastNumber ~= number or lastHash ~= hash then return { 0, lastNumber, lastHash } end
for i = 3, #ARGV, 2 do
  number = string.format('%.0f', number + 1)
  redis.call('XADD', trail, number .. '-0', 'hash', ARGV[i], 'entry', ARGV[i + 1])
end
return { 1, lastNumber, lastHash }
