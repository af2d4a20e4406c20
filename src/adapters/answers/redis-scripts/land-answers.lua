--[[
  Keeps answers in the cache, and gives up the claims of their requests. A request that ended without an answer only
  gives up its claim.

  KEYS:
    1... answers

  ARGV, for each answer:
    +0 requestId
    +1 the answer as JSON, or nothing
    +2 for how long it is kept, in ms

  Output: for each answer
    the ids of the requests that wait for an answer to the question

  Cost: 1 command for each answer, 2 if requests may wait for it; and 1 to remove claims and lists of waiting requests.
]]
-- include: claim
local ARGS_PER_ANSWER = 3

local woken, removed = {}, {}
for i, key in ipairs(KEYS) do
  local arg = 1 + ARGS_PER_ANSWER * (i - 1)
  local requestId, answer, ttlMs = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local hasAnswer = answer ~= ''
  local kept
  if hasAnswer then
    kept = redis.call('SET', key, answer, 'PX', ttlMs, 'GET')
  else
    kept = redis.call('GET', key)
  end
  woken[i] = {}
  local claimed = kept == CLAIMED .. requestId
  local awaited = kept == CLAIMED_AND_AWAITED .. requestId
  if not hasAnswer and (claimed or awaited) then removed[#removed + 1] = key end
  -- If the lease expired, another request may have claimed the question meanwhile, and others may wait for that
  -- request.
  if awaited or (hasAnswer and not claimed) then
    woken[i] = redis.call('SMEMBERS', key .. AWAITING)
    removed[#removed + 1] = key .. AWAITING
  end
end
if #removed > 0 then redis.call('DEL', unpack(removed)) end
return woken
