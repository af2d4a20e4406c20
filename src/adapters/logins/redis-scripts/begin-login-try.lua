--[[
  Counts a try to log in, unless it comes too early after those that have failed.

  KEYS:
    1 tries

  ARGV:
    1 how many tries may fail before the next one must wait
    2 the first wait, in ms
    3 the longest wait, in ms
    4 for how long tries are kept after the latest one, in ms

  Output: how long the try must wait, in ms; 0 if it is counted.

  Cost: 5 commands, or 2 if it must wait.
]]
-- include: server-time
local tries = KEYS[1]
local free, firstWaitMs, longestWaitMs, keepMs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local now = serverTimeMs()
local stored = redis.call('HMGET', tries, 'count', 'latest')
local count, latest = tonumber(stored[1] or 0), tonumber(stored[2] or 0)
if count >= free then
  local waitMs = math.min(longestWaitMs, firstWaitMs * 2 ^ math.min(count - free, 30))
  -- After a failover the clock may be behind, but nobody waits longer than waitMs.
  local leftMs = math.min(waitMs, latest + waitMs - now)
  if leftMs > 0 then return math.ceil(leftMs) end
end
redis.call('HSET', tries, 'count', count + 1, 'latest', now)
redis.call('PEXPIRE', tries, keepMs)
return 0
