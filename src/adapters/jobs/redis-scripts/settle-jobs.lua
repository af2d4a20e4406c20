--[[
  Completes jobs as BullMQ's own script completes one, and takes the next ones. It remembers that the requests of the
  completed jobs are finished. Before it takes any, it puts delayed jobs that are due into the line again.

  It leaves out what our jobs do not have (parents, logs, deduplication, metrics; most have no lock either, see
  lock-jobs), and the entries in BullMQ's event stream, which nobody reads.

  It takes jobs from the line only. It takes none while the queue is paused or limited, or while a job without a
  priority waits. Then the caller must let BullMQ's script take the next job.

  KEYS:
     1 wait
     2 active
     3 prioritized
     4 delayed
     5 completed
     6 stalled
     7 meta
     8 pc
     9 marker
    10 next-tags
    11 finished

  ARGV:
    1 key prefix
    2 now, in ms
    3 how many completed jobs are kept
    4 for how long finished requests are remembered, in ms
    5 1 if completed jobs keep their text for a while
    6 how many jobs to take at most
    then for each job to complete:
      +0 id
      +1 how often it had been taken when the worker took it
      +2 attempts made
      +3 1 if it has a lock
      +4 digest of its id
      +5 return value

  Output:
    1 for each job to complete, one of BullMQ's codes
       0  it is completed
       -1 there is no such job any more
       -3 it is not in hand any more
       -6 another worker has taken it since
    2 for each job that was taken:
      {id, data, options, attempts made, attempts started, crashes, progress, 1 if cancelled}
    3 when the next delayed job is due, in ms; 0 if there is none; -1 if BullMQ must take the next job

  Cost: for completing, 3 to 10 commands, 2 for each job and 1 more for each that is not among the oldest in hand, and
  those of rememberFinished; for taking, 7 to 10, 2 for each job, 1 more for each if one is cancelled, and those of
  returnToLine if jobs are due.
]]
-- include: line
-- include: finished-requests
-- constant: FINISHED_DATA

-- How many due jobs go into the line again at once, at most. Redis does nothing else while a script runs.
local MOST_RETURNED = 200
-- How many surplus completed jobs are removed at once, at most.
local MOST_REMOVED = 1000
-- BullMQ's score of a delayed job is the time in ms when it is due, times this number, plus a counter.
local DELAYED_SCALE = 4096
local FIRST_JOB, ARGS_PER_JOB = 7, 6
-- Where a taken job says whether it is cancelled.
local CANCELLED = 8
-- From so many jobs on, it pays to take them out of `active` together.
local MANY = 16

local wait, active, line, delayed, completed, stalled = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local meta, scoreCounter, marker, nextTags, finishedKey = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local prefix, nowText, now, kept = ARGV[1], ARGV[2], tonumber(ARGV[2]), tonumber(ARGV[3])
local rememberMs, keepsText, room = tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6])

-- Jobs complete in about the order in which they were taken. So most of them are among the oldest of `active`. If there
-- are many, these are read once, and those that stay are written back. `placeOf` is for those that are still there.
local oldest, placeOf, removed = {}, {}, 0
local given = (#ARGV - FIRST_JOB + 1) / ARGS_PER_JOB
if given >= MANY then
  oldest = redis.call('LRANGE', active, -2 * given, -1)
  for place, id in ipairs(oldest) do placeOf[id] = place end
end

-- Returns whether the job was in hand.
local function removeFromActive(id)
  local place = placeOf[id]
  if not place then return redis.call('LREM', active, -1, id) == 1 end
  oldest[place], placeOf[id] = false, nil
  removed = removed + 1
  return true
end

local codes, ids, digests, locks, scoresAndIds = {}, {}, {}, {}, {}
for arg = FIRST_JOB, #ARGV, ARGS_PER_JOB do
  local id, attemptsStarted, attemptsMade = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local locked, digest, returnValue = ARGV[arg + 3], ARGV[arg + 4], ARGV[arg + 5]
  local key = prefix .. id
  local n = #codes + 1
  local startedNow = redis.call('HGET', key, 'ats')
  if startedNow ~= attemptsStarted then
    codes[n] = startedNow and -6 or -1
  elseif not removeFromActive(id) then
    codes[n] = -3
  else
    if keepsText then
      redis.call('HSET', key, 'atm', attemptsMade, 'returnvalue', returnValue, 'finishedOn', nowText)
    else
      redis.call('HSET', key, 'atm', attemptsMade, 'returnvalue', returnValue, 'finishedOn', nowText,
        'data', FINISHED_DATA, 'progress', '')
    end
    codes[n] = 0
    ids[#ids + 1] = id
    digests[#digests + 1] = digest
    scoresAndIds[#scoresAndIds + 1] = nowText
    scoresAndIds[#scoresAndIds + 1] = id
    if locked == '1' then locks[#locks + 1] = key .. ':lock' end
  end
end
if removed > 0 then
  redis.call('LTRIM', active, 0, -#oldest - 1)
  local staying = {}
  for _, id in ipairs(oldest) do
    if id then staying[#staying + 1] = id end
  end
  if #staying > 0 then redis.call('RPUSH', active, unpack(staying)) end
end
if #locks > 0 then redis.call('DEL', unpack(locks)) end

if #ids > 0 then
  rememberFinished(finishedKey, digests, rememberMs)
  redis.call('SREM', stalled, unpack(ids))
  redis.call('ZADD', completed, unpack(scoresAndIds))
  local surplus = redis.call('ZCARD', completed) - kept
  if surplus > 0 then
    local old = redis.call('ZRANGE', completed, 0, math.min(surplus, MOST_REMOVED) - 1)
    local keys = {}
    for i, id in ipairs(old) do keys[i] = prefix .. id end
    redis.call('DEL', unpack(keys))
    redis.call('ZREM', completed, unpack(old))
  end
end

if room == 0 then return {codes, {}, -1} end
local due = redis.call('ZRANGEBYSCORE', delayed, 0, (now + 1) * DELAYED_SCALE - 1, 'LIMIT', 0, MOST_RETURNED)
if #due > 0 then
  redis.call('ZREM', delayed, unpack(due))
  returnToLine(prefix, line, nextTags, due)
end
local limits = redis.call('HMGET', meta, 'paused', 'concurrency', 'max')
local limited = limits[1] or limits[2] or limits[3]
if limited or redis.call('LLEN', wait) > 0 then return {codes, {}, -1} end

local taken, takenIds, cancelledKeys = {}, {}, {}
-- Ids and scores alternate.
local first = redis.call('ZPOPMIN', line, room)
for i = 1, #first, 2 do
  local id = first[i]
  local key = prefix .. id
  local job = redis.call('HMGET', key, 'data', 'opts', 'atm', 'stc', 'ats', 'progress')
  local data, opts, attemptsMade, crashes, startedBefore, progress = job[1], job[2], job[3], job[4], job[5], job[6]
  if data then
    local attemptsStarted = (startedBefore or 0) + 1
    redis.call('HSET', key, 'processedOn', nowText, 'ats', attemptsStarted)
    takenIds[#takenIds + 1] = id
    cancelledKeys[#cancelledKeys + 1] = key .. ':cancelled'
    taken[#taken + 1] = {id, data, opts, attemptsMade or '0', attemptsStarted, crashes or '0', progress or '', 0}
  end
end
if #takenIds > 0 then
  redis.call('LPUSH', active, unpack(takenIds))
  if redis.call('EXISTS', unpack(cancelledKeys)) > 0 then
    for i, key in ipairs(cancelledKeys) do taken[i][CANCELLED] = redis.call('EXISTS', key) end
  end
  -- Another waiting worker should take the rest.
  if redis.call('EXISTS', line) == 1 then
    redis.call('ZADD', marker, 0, '0')
    rememberServed(nextTags, first[#first])
  end
end
if #first == 0 then redis.call('DEL', scoreCounter) end
local nextDelayed = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
local nextScore = nextDelayed[2]
return {codes, taken, nextScore and math.floor(tonumber(nextScore) / DELAYED_SCALE) or 0}
