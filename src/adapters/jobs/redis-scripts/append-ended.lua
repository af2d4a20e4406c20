--[[
  Appends lines about jobs that have ended to the log of their state. Each element of the log but the last one has at
  least 50 lines. So the log is read quickly, however few jobs end at a time.

  KEYS:
    1 completed-log or failed-log

  ARGV:
    1 how many elements are kept at most
    2 how long the log is kept after this, in ms
    3 elements whose jobs all ended before this time are removed, in ms
    4... lines, at most 50 in each. A line begins with the time when the job ended, in ms, and ends with a line break

  Cost: 2 commands, 2 for each argument with lines, and 1 or 2 for each element that is removed.
]]
local LINES_PER_ELEMENT = 50
-- How many old elements are removed at once, at most.
local MOST_REMOVED = 100
local FIRST_LINES = 4

local log = KEYS[1]
local kept, ttlMs, oldestMs = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])

for arg = FIRST_LINES, #ARGV do
  local lines = ARGV[arg]
  local last = redis.call('LINDEX', log, -1)
  local _, count = string.gsub(last or '', '\n', '\n')
  if last and count < LINES_PER_ELEMENT then
    redis.call('LSET', log, -1, last .. lines)
  else
    redis.call('RPUSH', log, lines)
  end
end
redis.call('LTRIM', log, -kept, -1)
for _ = 1, MOST_REMOVED do
  local first = redis.call('LINDEX', log, 0)
  local endedAt = first and tonumber(string.match(first, '(%d+) [^\n]*\n$'))
  if not endedAt or endedAt >= oldestMs then break end
  redis.call('LPOP', log)
end
redis.call('PEXPIRE', log, ttlMs)
