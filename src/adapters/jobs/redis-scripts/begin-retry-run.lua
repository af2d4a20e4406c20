--[[
  Begins a run, unless one of the same code is running.

  KEYS:
    1 run
    2 its jobs
    3 running runs
    4 all runs

  ARGV:
    1 id
    2 code
    3 who began it
    4 how many are retried in a second
    5 how many runs are listed
    6 how long a run is kept, in ms

  Output:
    1 it runs
    0 another one of this code is running

  Cost: 8 commands, or 1.
]]
-- include: server-time
local run, jobs, running, runs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, code, by, rate, listed, keptMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]

if redis.call('HSETNX', running, code, id) == 0 then return 0 end
local now = serverTimeMs()
local nowText = string.format('%.0f', now)
local matching = redis.call('LLEN', jobs)
-- The first job is due at once.
local paidUntil = string.format('%.0f', now - 1000 / tonumber(rate))
redis.call('HSET', run, 'state', 'running', 'code', code, 'by', by, 'startedAt', nowText, 'rate', rate,
  'matching', matching, 'retried', 0, 'left', matching, 'paidUntil', paidUntil)
redis.call('PEXPIRE', run, keptMs)
redis.call('ZADD', runs, nowText, id)
redis.call('ZREMRANGEBYRANK', runs, 0, -listed - 1)
redis.call('PEXPIRE', runs, keptMs)
return 1
