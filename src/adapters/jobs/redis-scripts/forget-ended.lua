--[[
  Removes lines from a log of ended jobs: see append-ended.

  KEYS:
    1 completed-log or failed-log

  ARGV:
    1 the first element to look at, counted from the end of the log: -1 is the last
    2 how many elements to look at, back from there
    3 what the lines to remove contain

  Output:
    1 how many elements were looked at
    2 how many elements became empty, and were removed

  Cost: 1 command, 1 for each element that changes, and 1 if elements become empty.
]]
-- No element has this text.
local GONE = 'gone'

local log = KEYS[1]
local last, count, part = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

local first = last - count + 1
local elements = redis.call('LRANGE', log, first, last)
local emptied = 0
for i, element in ipairs(elements) do
  if string.find(element, part, 1, true) then
    local kept = {}
    for line in string.gmatch(element, '[^\n]*\n') do
      if not string.find(line, part, 1, true) then kept[#kept + 1] = line end
    end
    local text = table.concat(kept)
    if text == '' then emptied = emptied + 1 end
    redis.call('LSET', log, last - #elements + i, text == '' and GONE or text)
  end
end
if emptied > 0 then redis.call('LREM', log, 0, GONE) end
return {#elements, emptied}
