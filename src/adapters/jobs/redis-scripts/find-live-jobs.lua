--[[
  Finds jobs that have not ended, in one of the places where such jobs are. A job's data is long, so the script searches
  it and does not return it.

  KEYS:
    1 wait, active, prioritized or delayed

  ARGV:
    1 key prefix
    2 how many jobs of this place to skip
    3 how many to look at
    4... what the job's data must contain

  Output:
    1 how many jobs were looked at
    2 those that match: id, time when it was added in ms, id, ...

  Cost: 2 commands and 1 for each job.
]]
local place = KEYS[1]
local prefix, skip, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local FIRST_PART = 4

local isList = redis.call('TYPE', place).ok == 'list'
local ids = redis.call(isList and 'LRANGE' or 'ZRANGE', place, skip, skip + count - 1)
local found = {}
for _, id in ipairs(ids) do
  local job
  if #ARGV < FIRST_PART then
    job = redis.call('HMGET', prefix .. id, 'timestamp')
  else
    job = redis.call('HMGET', prefix .. id, 'timestamp', 'data')
  end
  local addedAt, data = job[1], job[2]
  local matches = addedAt
  for arg = FIRST_PART, #ARGV do
    matches = matches and data and string.find(data, ARGV[arg], 1, true)
  end
  if matches then
    found[#found + 1] = id
    found[#found + 1] = addedAt
  end
end
return {#ids, found}
