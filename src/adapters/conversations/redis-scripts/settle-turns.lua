--[[
  Writes an answer to its turn, and tells the api processes that the turn has ended. The first answer of a turn stays,
  but an answer of the model replaces a failure. The api ends a cancelled turn before the worker knows how many tokens
  the model has written, so these are added when the worker tells them.

  If the session was erased, the answer is dropped, and its key in the cache is added to the tombstone: the worker may
  have cached the answer after the erasure.

  KEYS:
    1 session
    2 turns
    3 tombstone

  ARGV:
    1 requestId
    2 userId
    3 status of the answer
    4 the answer, as JSON
    5 when it was completed, ISO 8601
    6 for how long the session is kept, in ms
    7 key of the answer in the cache, or nothing
    8 channel of notices
    9 the notice
    10 the answer's `partialUsage` as JSON, or nothing

  Output:
    'settled'    the answer is written down
    'duplicate'  the turn had an answer already, to which at most `partialUsage` was added
    'erased'     the session was erased
    'unknown'    there is no such turn, or it is another user's

  Cost: 9 commands if the answer is written down, otherwise up to 5.
]]
-- constant: NOTHING_LEFT
-- include: session-seen
local sessionKey, turnsKey, tombstoneKey = KEYS[1], KEYS[2], KEYS[3]
local requestId, userId, status, answer, completedAt = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local retentionMs, answerKey, channel, notice, partialUsage = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]

local function addToTombstone(tombstone)
  local remains = tombstone == NOTHING_LEFT and {userId = userId, requestIds = {}, answerKeys = {}}
    or cjson.decode(tombstone)
  if remains.userId ~= userId then return end
  table.insert(remains.requestIds, requestId)
  if answerKey ~= '' then table.insert(remains.answerKeys, answerKey) end
  redis.call('SET', tombstoneKey, cjson.encode(remains), 'KEEPTTL')
end

local tombstone = redis.call('GET', tombstoneKey)
if tombstone then
  addToTombstone(tombstone)
  return 'erased'
end
local text = redis.call('GET', sessionKey)
if not text then return 'unknown' end
local session = cjson.decode(text)
if session.userId ~= userId then return 'unknown' end
if redis.call('HEXISTS', turnsKey, requestId .. ':q') == 0 then return 'unknown' end
local earlier = redis.call('HGET', turnsKey, requestId .. ':a')
if earlier then
  local before = cjson.decode(earlier)
  if status == 'cancelled' and before.status == 'cancelled' and partialUsage ~= '' and not before.partialUsage then
    local more = ',"partialUsage":' .. partialUsage .. '}'
    redis.call('HSET', turnsKey, requestId .. ':a', string.sub(earlier, 1, -2) .. more)
  end
  if status ~= 'completed' or before.status ~= 'failed' then return 'duplicate' end
end
redis.call('HDEL', turnsKey, requestId .. ':s')
if answerKey == '' then
  redis.call('HSET', turnsKey, requestId .. ':a', answer)
else
  redis.call('HSET', turnsKey, requestId .. ':a', answer, requestId .. ':k', answerKey)
end
keepSeen(sessionKey, turnsKey, session, completedAt, retentionMs)
redis.call('PUBLISH', channel, notice)
return 'settled'
