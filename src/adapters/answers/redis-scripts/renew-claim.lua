--[[
  Renews the lease of a claim, if the request still has it.

  KEYS:
    1 answer

  ARGV:
    1 requestId
    2 for how long the claim holds from now on, in ms

  Output:
    1 renewed
    0 the request does not have the claim

  Cost: 1 or 2 commands.
]]
-- include: claim
local requestId, leaseMs = ARGV[1], ARGV[2]
local kept = redis.call('GET', KEYS[1])
if kept == CLAIMED .. requestId or kept == CLAIMED_AND_AWAITED .. requestId then
  return redis.call('PEXPIRE', KEYS[1], leaseMs)
end
return 0
