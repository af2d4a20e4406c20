--[[
  Puts some of the jobs back into the line that are delayed because their model could not be asked, if it may be asked
  now, each at the front of its user's turn. Other delayed jobs stay. All workers share the pace: after a call that has
  put jobs back, further calls do nothing for a time.

  KEYS:
    1 delayed
    2 prioritized
    3 next-tags
    4 marker
    5 meta
    6 awaiting-model-turn

  ARGV:
    1 key prefix
    2 score of the delayed job after which to look, or `-inf`
    3 how many jobs to look at, at most
    4 how many jobs to put back, at most
    5 how long further calls then do nothing, ms
    then what the field of a job says that waits for a model that may be asked, for each of these models

  Output:
    nil if another worker has put jobs back just now; else
    1 score of the last job that was looked at, '' if there are no more
    2 how many jobs were put back

  Cost: 2 or 3 commands, 1 for each job looked at, 7 for each job put back, and up to 5.
]]
-- include: line
-- constant: AWAITING_MODEL_FIELD
local delayed, line, nextTags, marker, meta, turn = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local prefix, after, mostLooks, most, turnMs = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local FIRST_MODEL, ANY_MODEL = 6, '1'
local mayBeAsked = {[ANY_MODEL] = true}
for i = FIRST_MODEL, #ARGV do mayBeAsked[ARGV[i]] = true end

if redis.call('EXISTS', turn) == 1 then return nil end
local jobs = redis.call('ZRANGEBYSCORE', delayed, '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, mostLooks)
local last, awaiting = '', {}
for i = 1, #jobs, 2 do
  local waitsFor = redis.call('HGET', prefix .. jobs[i], AWAITING_MODEL_FIELD)
  if waitsFor and mayBeAsked[waitsFor] then awaiting[#awaiting + 1] = jobs[i] end
  last = jobs[i + 1]
  if #awaiting == most then break end
end
for _, id in ipairs(awaiting) do
  redis.call('ZREM', delayed, id)
  redis.call('HDEL', prefix .. id, AWAITING_MODEL_FIELD, 'processedOn', 'failedReason')
end
if returnToLine(prefix, line, nextTags, awaiting) > 0 and redis.call('HEXISTS', meta, 'paused') == 0 then
  redis.call('ZADD', marker, 0, '0')
end
if #awaiting > 0 then redis.call('SET', turn, '1', 'PX', turnMs) end
if #awaiting < most and #jobs < 2 * mostLooks then last = '' end
return {last, #awaiting}
