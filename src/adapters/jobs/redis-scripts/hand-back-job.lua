--[[
  Puts a job that a worker has in hand back into the line, at the front of its user's turn. No attempt is used up.

  KEYS:
    1 active
    2 prioritized
    3 next-tags
    4 marker
    5 meta
    6 stalled

  ARGV:
    1 key prefix
    2 id
    3 how often the job had been taken when the worker took it
    4 user

  Output: BullMQ's codes
    0  the job is in line
    -1 there is no such job any more
    -3 it is not in hand any more
    -6 another worker has taken it since

  Cost: 13 to 15 commands.
]]
-- include: line
local active, line, nextTags, marker, meta, stalled = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local prefix, id, attemptsStarted, user = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local key = prefix .. id

local startedNow = redis.call('HGET', key, 'ats')
if startedNow ~= attemptsStarted then return startedNow and -6 or -1 end
if redis.call('LREM', active, -1, id) == 0 then return -3 end
redis.call('DEL', key .. ':lock')
redis.call('HSET', key, USER_FIELD, user)
redis.call('SREM', stalled, id)
returnToLine(prefix, line, nextTags, {id})
if redis.call('HEXISTS', meta, 'paused') == 0 then redis.call('ZADD', marker, 0, '0') end
return 0
