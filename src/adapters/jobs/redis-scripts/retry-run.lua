-- A run that retries all failed jobs of a cause. contracts/redis-keys.ts lists the fields of its hash. While it runs,
-- the hash of running runs has its id, by its code.

-- Ends a run, so that another one of its code can begin. Costs 3 commands.
local function endRetryRun(run, running, code, state, now, problem)
  redis.call('HSET', run, 'state', state, 'endedAt', string.format('%.0f', now), 'problem', problem)
  redis.call('HDEL', running, code)
end
