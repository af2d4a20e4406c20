--[[
  Claims the ids of requests for the shards of their users. The first shard that claims an id has it. If another
  user's message with the same id comes to another shard, it is a duplicate there as well: with one shard, its job would
  exist already. All claims of an id are made in one place, the shard that `homeOf` tells.

  The claims are in generations under the key `claims`. Their buckets are hashes, with the claiming shard by member.
  Redis needs about 12 bytes a member for a hash of at most 128 (`hash-max-listpack-entries`).

  KEYS:
    1 claims

  ARGV:
    1 for how long a claim holds at least, in ms
    then for each request:
      +0 digest of its job's id
      +1 index of its user's shard

  Output:
    which of the given requests another shard has, counted from 1

  Cost: 1 command, for each request 1 for each generation, and 1 more if it is new; and if there is a new one, that of
  addToLatest.
]]
-- include: generations
local FIRST_REQUEST, ARGS_PER_REQUEST = 2, 2
-- Hardly any bucket of a full generation then has more than 128 members.
local FULL = 90

local claims, windowMs = KEYS[1], tonumber(ARGV[1])
local generations = generationsOf(claims)

local function claimantOf(digest)
  local member = memberOf(digest)
  for _, generation in ipairs(generations) do
    local shard = redis.call('HGET', bucketOf(generation, digest), member)
    if shard then return shard end
  end
end

local claimants, new, others = {}, {}, {}
for arg = FIRST_REQUEST, #ARGV, ARGS_PER_REQUEST do
  local digest, shard = ARGV[arg], ARGV[arg + 1]
  local claimant = claimants[digest] or claimantOf(digest)
  if not claimant then
    claimant = shard
    new[#new + 1] = digest
  end
  claimants[digest] = claimant
  if claimant ~= shard then others[#others + 1] = (arg - FIRST_REQUEST) / ARGS_PER_REQUEST + 1 end
end
if #new > 0 then
  addToLatest(claims, new, windowMs, FULL, function(bucket, i)
    redis.call('HSET', bucket, memberOf(new[i]), claimants[new[i]])
  end)
end
return others
