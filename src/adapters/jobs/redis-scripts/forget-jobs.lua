--[[
  Removes jobs, except those that a worker has in hand. Remembers their requests as finished, so that a message that
  comes again makes no new job.

  KEYS:
    1 active
    2 wait
    3 prioritized
    4 delayed
    5 completed
    6 failed
    7 finished

  ARGV:
    1 key prefix
    2 for how long finished requests are remembered, in ms
    3 what the data or the result of a job contains that may be removed; empty: every job may
    then for each job:
      +0 id
      +1 digest of its id

  Output:
    the ids of those that a worker has in hand

  Cost: for each job 1 command if it is in hand, 2 if there is none, else 8, and 1 more if only some may be removed; and
  those of remember-finished.
]]
-- include: finished-requests
local FIRST_JOB, ARGS_PER_JOB = 4, 2

local active, wait, prioritized, delayed, completed, failed, finishedKey =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local prefix, rememberMs, part = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local function mayGo(key)
  if part == '' then return true end
  local job = redis.call('HMGET', key, 'data', 'returnvalue')
  return string.find(job[1] or '', part, 1, true) or string.find(job[2] or '', part, 1, true)
end

local inHand, digests = {}, {}
for arg = FIRST_JOB, #ARGV, ARGS_PER_JOB do
  local id, digest = ARGV[arg], ARGV[arg + 1]
  local key = prefix .. id
  local isMeant = mayGo(key)
  if isMeant and redis.call('LPOS', active, id) then
    inHand[#inHand + 1] = id
  elseif isMeant and redis.call('EXISTS', key) == 1 then
    redis.call('LREM', wait, 0, id)
    redis.call('ZREM', prioritized, id)
    redis.call('ZREM', delayed, id)
    redis.call('ZREM', completed, id)
    redis.call('ZREM', failed, id)
    redis.call('DEL', key, key .. ':logs', key .. ':lock')
    digests[#digests + 1] = digest
  end
end
if #digests > 0 then rememberFinished(finishedKey, digests, rememberMs) end
return inHand
