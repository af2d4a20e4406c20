--[[
  Finds the jobs of a user in one of the places where jobs are, ended ones too. A job's data is long, so the script
  searches it and does not return it.

  KEYS:
    1 active, wait, prioritized, delayed, completed or failed

  ARGV:
    1 key prefix
    2 how many jobs of this place to skip
    3 how many to look at
    4 what the data or the result of a job of the user contains

  Output:
    1 how many jobs were looked at
    2 those of the user: id, sessionId as it is in JSON or '', key in the answer cache or '', id, ...

  Cost: 2 commands and 1 for each job.
]]
local place = KEYS[1]
local prefix, skip, count, part = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local isList = redis.call('TYPE', place).ok == 'list'
local ids = redis.call(isList and 'LRANGE' or 'ZRANGE', place, skip, skip + count - 1)
local found = {}
for _, id in ipairs(ids) do
  local job = redis.call('HMGET', prefix .. id, 'data', 'returnvalue')
  for _, text in ipairs({job[1] or '', job[2] or ''}) do
    if string.find(text, part, 1, true) then
      found[#found + 1] = id
      -- Quotes in texts have backslashes before them, so the first of these is the field.
      found[#found + 1] = string.match(text, '"sessionId":"([^"]*)"') or ''
      found[#found + 1] = string.match(text, '"answerKey":"([^"]*)"') or ''
      break
    end
  end
end
return {#ids, found}
