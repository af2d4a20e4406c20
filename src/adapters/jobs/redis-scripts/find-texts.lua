--[[
  Finds jobs that completed within a time range and still have their text. The latest come first: the oldest may be
  removed between two calls, and that must not shift the others.

  KEYS:
    1 completed

  ARGV:
    1 key prefix
    2 begin of the range, in ms
    3 end of the range, in ms
    4 how many jobs to skip
    5 how many jobs to look at, at most

  Output:
    1 how many completed jobs were looked at
    2 the ids of those that have their text

  Cost: 1 command and 1 or 2 for each job.
]]
-- constant: FINISHED_DATA
local completed = KEYS[1]
local prefix, fromMs, untilMs, skip, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local ids = redis.call('ZREVRANGEBYSCORE', completed, untilMs, fromMs, 'LIMIT', skip, limit)
local withText = {}
for _, id in ipairs(ids) do
  local key = prefix .. id
  if redis.call('HSTRLEN', key, 'data') > #FINISHED_DATA or redis.call('HSTRLEN', key, 'progress') > 1 then
    withText[#withText + 1] = id
  end
end
return {#ids, withText}
