-- Remembers which requests are finished, so that a message that comes again is recognised long after its job was
-- removed. The digests are in generations under the key `finished`. Their buckets are sets: Redis needs 8 bytes a
-- member, if a set has at most 512 integers (`set-max-intset-entries`; the default is the same in every Redis and
-- Valkey).

-- include: generations

-- Hardly any bucket of a full generation then has more than 400 members.
local FULL = 300

-- Returns whether a request is finished, given `generationsOf(key)`. Costs one command for each generation.
local function isFinished(generations, digest)
  local member = memberOf(digest)
  for _, generation in ipairs(generations) do
    if redis.call('SISMEMBER', bucketOf(generation, digest), member) == 1 then return true end
  end
  return false
end

-- Costs that of addToLatest, and one command for each request.
local function rememberFinished(key, digests, windowMs)
  addToLatest(key, digests, windowMs, FULL, function(bucket, i) redis.call('SADD', bucket, memberOf(digests[i])) end)
end
