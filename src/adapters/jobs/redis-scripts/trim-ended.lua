--[[
  Removes lines about jobs that ended before a time from a log of ended jobs: see append-ended. Lines are about in the
  order of their times. A line behind a later one stays until that one is too old.

  KEYS:
    1 completed-log or failed-log

  ARGV:
    1 lines that are older are removed, in ms
    2 how many elements are removed at most

  Output:
    1 how many lines were removed
    2 1 if there may be more of them, else 0

  Cost: 1 command, 2 for each element that is removed, and 1 if another one becomes shorter.
]]
local log = KEYS[1]
local oldestMs, limit = tonumber(ARGV[1]), tonumber(ARGV[2])

local removed = 0
for _ = 1, limit do
  local element = redis.call('LINDEX', log, 0)
  if not element then return { removed, 0 } end
  local keptFrom
  local count = 0
  for from, endedAt in string.gmatch(element, '()(%d+) [^\n]*\n') do
    if tonumber(endedAt) >= oldestMs then
      keptFrom = from
      break
    end
    count = count + 1
  end
  removed = removed + count
  if keptFrom then
    if keptFrom > 1 then redis.call('LSET', log, 0, string.sub(element, keptFrom)) end
    return { removed, 0 }
  end
  redis.call('LPOP', log)
end
return { removed, 1 }
