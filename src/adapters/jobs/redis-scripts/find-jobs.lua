--[[
  Finds out where jobs are. If a job was removed but its request is remembered as finished, the job counts as finished.
  A job's progress may be long, so only the note about its retry is returned.

  KEYS:
    1 prioritized
    2 delayed
    3 finished

  ARGV:
    1 key prefix
    then for each job:
      +0 id
      +1 digest of its id

  Output: for each job one of
    {'none'}
    {'finished'}
    {'waiting', attempts made, how many jobs are before it}
    {'delayed', attempts made, score in `delayed`, when the first attempt failed or '', code of the latest failure or
    ''}
    {'active', attempts made, when it was taken, in ms}

  Cost: for each job 2 commands, 3 if it is not in line, 4 if it is delayed; for a removed one 1 for each generation of
  finished requests.
]]
-- include: finished-requests
local FIRST_JOB, ARGS_PER_JOB = 2, 2

local line, delayed, finishedKey = KEYS[1], KEYS[2], KEYS[3]
local prefix = ARGV[1]

local function readRetry(key)
  local ok, progress = pcall(cjson.decode, redis.call('HGET', key, 'progress') or '')
  local retry = ok and type(progress) == 'table' and progress.retry
  return type(retry) == 'table' and retry or {}
end

local found, generations = {}, nil
for arg = FIRST_JOB, #ARGV, ARGS_PER_JOB do
  local id, digest = ARGV[arg], ARGV[arg + 1]
  local key = prefix .. id
  local job = redis.call('HMGET', key, 'processedOn', 'finishedOn', 'atm', 'timestamp')
  local takenAt, finishedAt, attemptsMade, addedAt = job[1], job[2], job[3] or '0', job[4]
  local rank = redis.call('ZRANK', line, id)
  local dueScore = not rank and redis.call('ZSCORE', delayed, id)
  if not addedAt then
    generations = generations or finishedIn(finishedKey)
    found[#found + 1] = {isFinished(generations, digest) and 'finished' or 'none'}
  elseif finishedAt then
    found[#found + 1] = {'finished'}
  elseif rank then
    found[#found + 1] = {'waiting', attemptsMade, rank}
  elseif dueScore then
    local retry = readRetry(key)
    found[#found + 1] = {'delayed', attemptsMade, dueScore, retry.since or '', retry.code or ''}
  else
    found[#found + 1] = {'active', attemptsMade, takenAt or addedAt}
  end
end
return found
