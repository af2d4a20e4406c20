--[[
  Adds jobs, each at its user's place in line, as BullMQ's own script adds prioritised jobs. If no job waits and there
  is room for all of them, it takes them at once, as BullMQ's script takes a job, but without a lock. A job that exists
  or has finished stays as it is. A job of an erased user is refused, and nothing of it is written. BullMQ's script also
  writes each job to an event stream. Nobody reads that stream, so this script does not.

  KEYS:
     1 marker
     2 meta
     3 id
     4 prioritized
     5 pc
     6 wait
     7 delayed
     8 active
     9 next-tags
    10 finished
    11 erased-users

  ARGV:
    1 key prefix
    2 name of the jobs
    3 now, in ms
    4 the options as JSON, without the opening brace
    5 for how many jobs there is room
    then for each job:
      +0 id
      +1 user
      +2 lowest tag of its class
      +3 digest of its id
      +4 data
  Lua is slow at writing numbers, so the script passes them on as the texts it received.

  Output:
    1 how many jobs no worker has in hand now
    2 which of the given jobs were taken, counted from 1
    3 for each of those: its mark of being cancelled, or nil
    4 which of the given jobs were refused, counted from 1

  Cost: 12 or 13 commands if the jobs are taken, else 13 to 15 and 2 for each class; 1 more once a user was erased. For
  each job 1, 1 for each generation of finished requests, and 1 if any of the given jobs is there already.
]]
-- include: line
-- include: finished-requests

-- If more users than this have places in line, the places are forgotten. This bounds the memory.
local USERS_REMEMBERED = 100000
local FIRST_JOB, ARGS_PER_JOB = 6, 5

local marker, meta, idCounter, line, scoreCounter = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local wait, delayed, active, nextTags, finishedKey = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local erasedUsers = KEYS[11]
local prefix, name, now, options = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local room = tonumber(ARGV[5])

local inLine = redis.call('ZCARD', line)
if inLine == 0 or redis.call('HLEN', nextTags) > USERS_REMEMBERED then redis.call('DEL', nextTags) end

-- For each job: its key, and the field of its user in `next-tags`.
local keys, turns, users = {}, {}, {}
for arg = FIRST_JOB, #ARGV, ARGS_PER_JOB do
  local id, user, class = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  keys[#keys + 1] = prefix .. id
  turns[#turns + 1] = class .. ':' .. user
  users[#users + 1] = user
end
local isErased = redis.call('EXISTS', erasedUsers) == 1 and redis.call('SMISMEMBER', erasedUsers, unpack(users)) or {}
local noneThere = redis.call('EXISTS', unpack(keys)) == 0
local remembered = inLine > 0 and redis.call('HMGET', nextTags, unpack(turns)) or {}
local generations = finishedIn(finishedKey)

-- Of the jobs to be added: their indexes among the given jobs, and their tags.
local served, nextTagOf, seen, new, tags, refused = {}, {}, {}, {}, {}, {}
for n, key in ipairs(keys) do
  local arg = FIRST_JOB + ARGS_PER_JOB * (n - 1)
  local class, digest = ARGV[arg + 2], ARGV[arg + 3]
  if isErased[n] == 1 then
    refused[#refused + 1] = n
  elseif not seen[key] and (noneThere or redis.call('EXISTS', key) == 0) and not isFinished(generations, digest) then
    seen[key] = true
    local from, to = classOf(tonumber(class))
    if not served[from] then
      served[from] = inLine > 0 and servedTag(line, from, to, redis.call('HGET', nextTags, from)) or from
    end
    local turn = turns[n]
    local tag = math.min(to, math.max(served[from], nextTagOf[turn] or tonumber(remembered[n] or 0)))
    nextTagOf[turn] = tag + 1
    new[#new + 1] = n
    tags[#tags + 1] = tag
  end
end

local started, cancelled = {}, {}
if #new > 0 then
  local limits = redis.call('HMGET', meta, 'paused', 'concurrency', 'max')
  local paused, limited = limits[1], limits[1] or limits[2] or limits[3]
  local start = #new <= room and inLine == 0 and not limited and redis.call('LLEN', wait) == 0
  redis.call('INCRBY', idCounter, #new)
  -- For `active`, these are ids. For the line, they are scores and ids in turn.
  local members = {}
  local counter = start and 0 or redis.call('INCRBY', scoreCounter, #new) - #new
  for m, n in ipairs(new) do
    local arg = FIRST_JOB + ARGS_PER_JOB * (n - 1)
    local id, data, tag = ARGV[arg], ARGV[arg + 4], tags[m]
    local priority = tostring(tag)
    local opts = '{"priority":' .. priority .. ',' .. options
    if start then
      redis.call('HSET', keys[n], 'name', name, 'data', data, 'opts', opts, 'timestamp', now, 'delay', '0',
        'priority', priority, 'processedOn', now, 'ats', '1')
      started[m] = n
      cancelled[m] = keys[n] .. ':cancelled'
      members[m] = id
    else
      redis.call('HSET', keys[n], 'name', name, 'data', data, 'opts', opts, 'timestamp', now, 'delay', '0',
        'priority', priority)
      members[2 * m - 1] = tag * TAG + (counter + m) % TAG
      members[2 * m] = id
    end
  end
  if start then
    redis.call('LPUSH', active, unpack(members))
    cancelled = redis.call('EXISTS', unpack(cancelled)) > 0 and redis.call('MGET', unpack(cancelled)) or {}
  else
    redis.call('ZADD', line, unpack(members))
    local fields = {}
    for turn, tag in pairs(nextTagOf) do
      fields[#fields + 1] = turn
      fields[#fields + 1] = tag
    end
    redis.call('HSET', nextTags, unpack(fields))
    if not paused then redis.call('ZADD', marker, 0, '0') end
    inLine = inLine + #new
  end
end
return {redis.call('LLEN', wait) + inLine + redis.call('ZCARD', delayed), started, cancelled, refused}
