--[[
  Locks jobs that a worker still has in hand, or renews their locks, as BullMQ's own script does.

  BullMQ regularly checks for jobs whose worker has died. It gives a job to another worker if the job was in hand at two
  checks in a row and has no lock at the second. So a job that ends before the second check needs no lock.

  A worker still has a job if the job has not finished, and its counters of starts and of crashes are as they were when
  the worker took it.

  KEYS:
    1 stalled

  ARGV:
    1 key prefix
    2 the worker's token
    3 for how long the lock holds, in ms
    then for each job:
      +0 id
      +1 how often it had been taken when the worker took it
      +2 how often its worker had died by then

  Output: three lists of ids
    1 lost: the worker no longer has them. Another worker has taken them, they were given up as stalled, or have
    finished
    2 gone: they were removed
    3 cancelled: their users have cancelled them; they may also be lost or gone

  Cost: 3 commands for each job in hand, 2 for each other job, and 1.
]]
local FIRST_JOB, ARGS_PER_JOB = 4, 3

local stalled = KEYS[1]
local prefix, token, lockMs = ARGV[1], ARGV[2], ARGV[3]

local lost, gone, cancelled, held = {}, {}, {}, {}
for arg = FIRST_JOB, #ARGV, ARGS_PER_JOB do
  local id, attemptsStarted, crashes = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local key = prefix .. id
  local job = redis.call('HMGET', key, 'ats', 'stc', 'finishedOn')
  local startedNow, crashesNow, finishedAt = job[1], job[2] or '0', job[3]
  if startedNow == attemptsStarted and crashesNow == crashes and not finishedAt then
    redis.call('SET', key .. ':lock', token, 'PX', lockMs)
    held[#held + 1] = id
  elseif startedNow then
    lost[#lost + 1] = id
  else
    gone[#gone + 1] = id
  end
  if redis.call('EXISTS', key .. ':cancelled') == 1 then cancelled[#cancelled + 1] = id end
end
if #held > 0 then redis.call('SREM', stalled, unpack(held)) end
return {lost, gone, cancelled}
