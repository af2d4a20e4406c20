-- The line in which jobs wait, for the scripts that add, take and return jobs. ../fair-order.ts explains the order.
--
-- The line is BullMQ's sorted set of prioritised jobs. The job with the lowest score is taken first. BullMQ computes a
-- score from the job's priority and a counter, and our priority is the job's tag:
--
--     score = tag * 2^32 + counter
--
--     bit 52                 32 31                                0
--        +---------------------+----------------------------------+
--        | tag (21 bits)       | counter (32 bits)                |
--        +---------------------+----------------------------------+
--          whose turn it is      among equal tags: who came first
--
--     tag        1 ...   999,999   interactive requests
--        1,000,000 ... 2,000,000   batch requests
--
-- While anybody waits, the hash `next-tags` has these fields. {class} is the lowest tag of the class.
--     {class}            the tag of the job that was taken last. A new job gets this tag or a higher one
--     {class}:{user}     the tag of the user's next new job
--     r{class}:{user}    the tag of the user's next job that returns
--
-- A job returns to the line after a delay, after its worker has stopped, or when an operator retries it. Its old tag
-- belongs to an earlier line and means nothing in the present one. So the job gets a new tag and the counter 0, which
-- puts it before all other jobs with that tag. If several jobs of one user return together, they get ascending tags. So
-- after an outage a user with many jobs takes turns with the others. The user's next new jobs go behind them.

-- constant: INTERACTIVE_FROM
-- constant: INTERACTIVE_TO
-- constant: BATCH_FROM
-- constant: BATCH_TO
-- constant: USER_FIELD

local TAG = 4294967296

-- Returns the lowest and the highest tag of the class to which a tag belongs.
local function classOf(tag)
  if tag >= BATCH_FROM then return BATCH_FROM, BATCH_TO end
  return INTERACTIVE_FROM, INTERACTIVE_TO
end

-- Returns the tag that is being served in the class from..to. A job that joins the line gets no lower tag. `remembered`
-- is the tag that was served last, from `next-tags`. Costs one command.
local function servedTag(line, from, to, remembered)
  local head = redis.call('ZRANGEBYSCORE', line, from * TAG, (to + 1) * TAG - 1, 'WITHSCORES', 'LIMIT', 0, 1)
  local headScore = head[2]
  return math.max(from, tonumber(remembered) or 0, headScore and math.floor(tonumber(headScore) / TAG) or 0)
end

-- Remembers the tag of the job that was taken last. Costs one command.
local function rememberServed(nextTags, score)
  local tag = math.floor(tonumber(score) / TAG)
  local from = classOf(tag)
  redis.call('HSET', nextTags, from, tag)
end

-- Puts jobs into the line again. Returns how many of them exist; a job that was removed is not created again. Costs 1
-- or 2 commands, 5 for each job, and 1 for each class.
local function returnToLine(prefix, line, nextTags, ids)
  if redis.call('EXISTS', line) == 0 then redis.call('DEL', nextTags) end
  local served, returned = {}, 0
  for _, id in ipairs(ids) do
    local key = prefix .. id
    local job = redis.call('HMGET', key, 'priority', USER_FIELD, 'timestamp')
    local oldTag, user, addedAt = job[1], job[2], job[3]
    if addedAt then
      local from, to = classOf(tonumber(oldTag) or 0)
      local newTurn = from .. ':' .. (user or '')
      local returnTurn = 'r' .. newTurn
      local tags = redis.call('HMGET', nextTags, from, returnTurn, newTurn)
      local servedLast, returnTag, newTag = tags[1], tags[2], tags[3]
      served[from] = served[from] or servedTag(line, from, to, servedLast)
      local tag = math.min(to, math.max(served[from], tonumber(returnTag) or 0))
      redis.call('HSET', nextTags, returnTurn, tag + 1, newTurn, math.max(tag + 1, tonumber(newTag) or 0))
      redis.call('HSET', key, 'priority', tag, 'delay', '0')
      redis.call('ZADD', line, tag * TAG, id)
      returned = returned + 1
    end
  end
  return returned
end

-- Takes jobs out of the delayed or failed ones, and puts them into the line again. Returns how many of them were there.
-- `keys` has prioritized, next-tags, marker and meta. Costs 7 commands for each job, and up to 6.
local function putBackFrom(state, prefix, keys, ids)
  local line, nextTags, marker, meta = keys[1], keys[2], keys[3], keys[4]
  local found = {}
  for _, id in ipairs(ids) do
    if redis.call('ZREM', state, id) == 1 then
      redis.call('HDEL', prefix .. id, 'finishedOn', 'processedOn', 'failedReason')
      found[#found + 1] = id
    end
  end
  if returnToLine(prefix, line, nextTags, found) > 0 and redis.call('HEXISTS', meta, 'paused') == 0 then
    redis.call('ZADD', marker, 0, '0')
  end
  return #found
end
