--[[
  Looks up questions in the cache. If a question has no answer, the request claims it, or waits if another request has
  the claim. A request that comes again keeps its claim.

  KEYS:
    1... answers

  ARGV:
    1 for how long a claim holds, in ms
    then for each answer:
      +0 requestId

  Output: for each answer one of
    the answer
    1 the request has the claim
    {requestId}, an array: the request waits for the answer of that one

  Cost: 1 command; for each question without an answer 1 if it is new, 2 if its request comes again, else 3.
]]
-- include: claim
local FIRST_REQUEST = 2
local HAS_CLAIM = 1

local leaseMs = ARGV[1]
-- `claimed` has the claims that this script itself has written, because the same question may come twice in one call.
local found, claimed = redis.call('MGET', unpack(KEYS)), {}
for i, key in ipairs(KEYS) do
  local requestId, kept = ARGV[FIRST_REQUEST + i - 1], claimed[key] or found[i]
  local mark = kept and string.sub(kept, 1, 1)
  if not kept then
    claimed[key] = CLAIMED .. requestId
    redis.call('SET', key, claimed[key], 'PX', leaseMs)
    found[i] = HAS_CLAIM
  elseif mark == CLAIMED or mark == CLAIMED_AND_AWAITED then
    local holder = string.sub(kept, 2)
    if holder == requestId then
      redis.call('PEXPIRE', key, leaseMs)
      redis.call('SREM', key .. AWAITING, requestId)
      found[i] = HAS_CLAIM
    else
      claimed[key] = CLAIMED_AND_AWAITED .. holder
      redis.call('SET', key, claimed[key], 'KEEPTTL')
      redis.call('SADD', key .. AWAITING, requestId)
      redis.call('PEXPIRE', key .. AWAITING, leaseMs * 2)
      found[i] = {holder}
    end
  end
end
return found
