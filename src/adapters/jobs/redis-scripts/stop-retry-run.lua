--[[
  Stops a run. The jobs that it has not retried stay as they are.

  KEYS:
    1 run
    2 its jobs
    3 running runs

  Output:
    1 it was running
    0 it was not, or there is no such run

  Cost: 6 commands, or 1.
]]
-- include: server-time
-- include: retry-run
local run, jobs, running = KEYS[1], KEYS[2], KEYS[3]

local fields = redis.call('HMGET', run, 'state', 'code')
if fields[1] ~= 'running' then return 0 end
endRetryRun(run, running, fields[2], 'stopped', serverTimeMs(), '')
redis.call('DEL', jobs)
return 1
