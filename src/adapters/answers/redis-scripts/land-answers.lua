--[[
  Keeps answers, each in the cache and as the last one of its session, or in one of the two. It gives up the claims of
  their requests. A request that ends without an answer gives up its claim as well.

  KEYS, for each answer:
    the answer in the cache, if its request may have a claim
    the last answer of its session, if it is kept there

  ARGV, for each answer:
    +0 requestId
    +1 for how long it is kept in the cache, in ms; 0: not at all; -1: its request has no claim
    +2 for how long it is kept as the last one of its session, in ms; 0: not at all
    +3 the answer as JSON, for the cache
    +4 the answer as JSON, for the session; empty if it is the same

  Output: for each answer
    the ids of the requests that waited for it, or that waited for a request that has given up

  Cost: 1 command for each key, 1 more if requests may wait for the answer; and 1 to remove claims and lists of waiting
  requests.
]]
-- include: claim
local ARGS_PER_ANSWER = 5
local NOT_KEPT, NO_CLAIM = '0', '-1'

local woken, removed = {}, {}
local keysRead = 0
local function nextKey()
  keysRead = keysRead + 1
  return KEYS[keysRead]
end

for arg = 1, #ARGV, ARGS_PER_ANSWER do
  local requestId, ttlMs, lastTtlMs = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local answer, last = ARGV[arg + 3], ARGV[arg + 4]
  local waiting = {}
  if ttlMs ~= NO_CLAIM then
    local key = nextKey()
    local hasAnswer = ttlMs ~= NOT_KEPT
    local kept
    if hasAnswer then
      kept = redis.call('SET', key, answer, 'PX', ttlMs, 'GET')
    else
      kept = redis.call('GET', key)
    end
    local claimed = kept == CLAIMED .. requestId
    local awaited = kept == CLAIMED_AND_AWAITED .. requestId
    if not hasAnswer and (claimed or awaited) then removed[#removed + 1] = key end
    -- If the lease has expired, another request may have claimed the question since, and others may wait for that one.
    if awaited or (hasAnswer and not claimed) then
      waiting = redis.call('SMEMBERS', key .. AWAITING)
      removed[#removed + 1] = key .. AWAITING
    end
  end
  if lastTtlMs ~= NOT_KEPT then redis.call('SET', nextKey(), last == '' and answer or last, 'PX', lastTtlMs) end
  woken[#woken + 1] = waiting
end
if #removed > 0 then redis.call('DEL', unpack(removed)) end
return woken
