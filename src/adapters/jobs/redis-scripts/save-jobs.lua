--[[
  Saves how far jobs have come. A job that was removed is not created again. If another worker has taken a job since,
  what that worker has saved stays.

  KEYS:
    1... the jobs

  ARGV, for each job:
    +0 how often it had been taken when the worker took it
    +1 how far it has come, as JSON

  Cost: 1 or 2 commands for each job.
]]
local ARGS_PER_JOB = 2

for n, key in ipairs(KEYS) do
  local arg = 1 + ARGS_PER_JOB * (n - 1)
  local attemptsStarted, progress = ARGV[arg], ARGV[arg + 1]
  if redis.call('HGET', key, 'ats') == attemptsStarted then redis.call('HSET', key, 'progress', progress) end
end
