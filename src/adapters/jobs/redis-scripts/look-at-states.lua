--[[
  Counts the jobs in each state, and tells how old the first job of each is.

  KEYS:
    1 wait
    2 prioritized
    3 delayed
    4 active
    5 completed
    6 failed
    7 meta

  ARGV:
    1 key prefix

  Output:
    1 1 if the queue is paused, else 0
    then for each of the keys 1 to 6:
      +0 how many jobs
      +1 how long ago the first one was added (completed, failed: ended), in ms; -1 if there is none

  Cost: 14 commands, and 1 for each of wait, prioritized, delayed and active that has a job.
]]
-- include: server-time
local wait, prioritized, delayed, active, completed, failed, meta =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local prefix = ARGV[1]
local NONE = -1

local now = serverTimeMs()
local seen = {redis.call('HEXISTS', meta, 'paused')}

local function add(count, since)
  seen[#seen + 1] = count
  seen[#seen + 1] = since and math.max(0, now - since) or NONE
end

local function addedAt(id)
  return id and tonumber(redis.call('HGET', prefix .. id, 'timestamp') or now)
end

-- Jobs are added at the left and taken at the right.
add(redis.call('LLEN', wait), addedAt(redis.call('LINDEX', wait, -1)))
add(redis.call('ZCARD', prioritized), addedAt(redis.call('ZRANGE', prioritized, 0, 0)[1]))
add(redis.call('ZCARD', delayed), addedAt(redis.call('ZRANGE', delayed, 0, 0)[1]))
add(redis.call('LLEN', active), addedAt(redis.call('LINDEX', active, -1)))
for _, ended in ipairs({completed, failed}) do
  add(redis.call('ZCARD', ended), tonumber(redis.call('ZRANGE', ended, 0, 0, 'WITHSCORES')[2]))
end
return seen
