--[[
  Removes the oldest finished jobs.

  KEYS:
    1 completed or failed

  ARGV:
    1 key prefix
    2 the time in ms: jobs that finished then or before are removed
    3 how many jobs at most

  Output:
    how many were removed

  Cost: 1 command, or 3 if there are any.
]]
local state = KEYS[1]
local prefix, untilMs, limit = ARGV[1], ARGV[2], ARGV[3]

local old = redis.call('ZRANGEBYSCORE', state, '-inf', untilMs, 'LIMIT', 0, limit)
local keys = {}
for _, id in ipairs(old) do
  keys[#keys + 1] = prefix .. id
  keys[#keys + 1] = prefix .. id .. ':logs'
end
if #old > 0 then
  redis.call('DEL', unpack(keys))
  redis.call('ZREM', state, unpack(old))
end
return #old
