--[[
  Retries those jobs of a run that are due now. Jobs leave the run's list in the same moment in which they are put in
  line. So it does not matter how many processes call this, or whether one dies: no job is retried twice, and no more
  jobs in a second than the run's rate allows.

  A job that has been retried or removed by somebody else, or has failed again since, is passed over.

  KEYS:
    1 run
    2 its jobs, each with the time when it failed: `{ms} {job id}`, the oldest failure first
    3 running runs
    4 all runs
    5 failed
    6 prioritized
    7 next-tags
    8 marker
    9 meta

  ARGV:
    1 key prefix of jobs
    2 id of the run
    3 its code
    4 how many jobs to retry at most
    5 how long a run is kept, in ms

  Output:
    'running', 'finished' or 'failed': the state of the run
    nil: it was not running

  Cost: 2 commands if none is due. Otherwise 8, 8 for each job, and up to 9.
]]
-- include: server-time
-- include: line
-- include: retry-run
local run, jobs, running, runs, failed = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local prefix, id, code, most, keptMs = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

local fields = redis.call('HMGET', run, 'state', 'rate', 'paidUntil', 'left')
if fields[1] ~= 'running' then
  -- Its hash is gone. Without this, no run of its code could begin.
  if redis.call('HGET', running, code) == id then redis.call('HDEL', running, code) end
  return nil
end
local rate, paidUntil, left = tonumber(fields[2]), tonumber(fields[3]), tonumber(fields[4])
local now = serverTimeMs()
if left == 0 then
  endRetryRun(run, running, code, 'finished', now, '')
  return 'finished'
end

-- After a time in which nobody called this, jobs are not retried all at once.
local msPerJob = 1000 / rate
paidUntil = math.max(paidUntil, now - math.max(1000, msPerJob))
local due = math.min(most, math.floor((now - paidUntil) / msPerJob + 0.001))
if due < 1 then return 'running' end

local entries = redis.call('LRANGE', jobs, 0, due - 1)
if #entries == 0 then
  endRetryRun(run, running, code, 'failed', now, 'Redis has lost the list of its jobs.')
  return 'failed'
end
redis.call('LTRIM', jobs, #entries, -1)
local ids = {}
for _, entry in ipairs(entries) do
  local failedAt, jobId = string.match(entry, '^(%S+) (.+)$')
  local latest = redis.call('ZSCORE', failed, jobId)
  if latest and tonumber(latest) == tonumber(failedAt) then ids[#ids + 1] = jobId end
end
local retried = putBackFrom(failed, prefix, {KEYS[6], KEYS[7], KEYS[8], KEYS[9]}, ids)

left = left - #entries
redis.call('HINCRBY', run, 'retried', retried)
redis.call('HSET', run, 'left', left, 'paidUntil', string.format('%.3f', paidUntil + #entries * msPerJob))
for _, key in ipairs({run, jobs, runs}) do redis.call('PEXPIRE', key, keptMs) end
if left > 0 then return 'running' end
endRetryRun(run, running, code, 'finished', now, '')
return 'finished'
