-- Remembers which requests are finished, so that a message that comes again is recognised long after its job was
-- removed. Only digests are kept: no text and no id. A request that another shard has claimed counts as finished here:
-- see claim-requests.lua.
--
-- A bucket is a Redis set of 64-bit integers. Redis needs 8 bytes a member for a set of at most 512 integers
-- (`set-max-intset-entries`; the default is the same in every Redis and Valkey). A generation has 16^digits buckets. A
-- digest is the SHA-256 of a job's id, in two parts:
--
--     digest   3fa9c1 -4471920137765552101
--              |____| |__________________|
--                 |            |
--                 |            the member: 64 bits, as a number with its sign
--                 6 hexadecimal digits: the first ones, as many as the generation has, name the bucket
--
--     finished            list of generations, the latest first: {number}:{digits}:{opened at, ms}
--     finished:count      how many members the latest generation has
--     finished:7:3f       a bucket: of generation 7, which has 2 digits
--
-- A bucket has at most about 400 members, and few generations are alive. So the probability that a new request is
-- mistaken for a finished one is at most 2^-54.
--
-- Requests are added to the latest generation only. A new generation is opened
--   - when the latest is as old as the window. If the latest is nearly empty, the new one has a sixteenth of its
--     buckets;
--   - when the latest is full. The new one then has 16 times as many buckets.
-- Each bucket expires two windows after its generation was opened. So a request is recognised for at least one window
-- and at most two, and no script has to search for old ones. Usually two generations are alive, so a request is looked
-- up in two sets.

-- include: server-time
-- constant: BUCKET_DIGITS

-- The average number of members in a bucket of a full generation. Hardly any bucket then has more than 400.
local FULL = 300
-- With fewer members a bucket than this, a sixteenth of the buckets would have been enough.
local NEARLY_EMPTY = FULL / 20
-- From this many members a bucket on, all buckets are in use: the probability that one is empty is 10^-13.
local ALL_USED = 30
local FEWEST_DIGITS = 2

local function readGeneration(entry)
  local number, digits, openedAt = string.match(entry, '^(%d+):(%d+):(%d+)$')
  return tonumber(number), tonumber(digits), tonumber(openedAt)
end

-- Returns the generations that are alive, for `isFinished`. Costs one command.
local function finishedIn(key)
  local generations = {}
  for i, entry in ipairs(redis.call('LRANGE', key, 0, -1)) do
    local number, digits = readGeneration(entry)
    generations[i] = {prefix = key .. ':' .. number .. ':', digits = digits}
  end
  return generations
end

-- Returns the bucket that has a request, if it is finished. Costs one command for each generation.
local function isFinished(generations, digest)
  local member = string.sub(digest, BUCKET_DIGITS + 1)
  for _, generation in ipairs(generations) do
    local bucket = generation.prefix .. string.sub(digest, 1, generation.digits)
    if redis.call('SISMEMBER', bucket, member) == 1 then return bucket end
  end
end

-- Opens a generation, and removes the entries of those whose buckets have expired.
local function openGeneration(key, number, digits, now, windowMs)
  redis.call('LPUSH', key, number .. ':' .. digits .. ':' .. string.format('%.0f', now))
  redis.call('PEXPIRE', key, 2 * windowMs)
  redis.call('SET', key .. ':count', 0, 'PX', 2 * windowMs)
  while true do
    local _, _, openedAt = readGeneration(redis.call('LINDEX', key, -1))
    if openedAt + 2 * windowMs > now then break end
    redis.call('RPOP', key)
  end
end

-- Adds requests to the latest generation. Costs 3 commands and one for each request; one more while the generation is
-- young, and then two for each new bucket; and some more when a generation is opened.
-- marks: for each request, another member of its bucket. Left out: there are none
local function rememberFinished(key, digests, windowMs, marks)
  local now = serverTimeMs()
  local latest = redis.call('LINDEX', key, 0)
  local number, digits, openedAt = 0, FEWEST_DIGITS, now
  if latest then number, digits, openedAt = readGeneration(latest) end
  if not latest or openedAt + windowMs <= now then
    local countSoFar = tonumber(redis.call('GET', key .. ':count') or 0)
    if countSoFar < NEARLY_EMPTY * 16 ^ digits then digits = math.max(FEWEST_DIGITS, digits - 1) end
    number, openedAt = number + 1, now
    openGeneration(key, number, digits, now, windowMs)
  end
  local prefix = key .. ':' .. number .. ':'
  local count = redis.call('INCRBY', key .. ':count', marks and 2 * #digests or #digests)
  local buckets = {}
  for i, digest in ipairs(digests) do buckets[i] = prefix .. string.sub(digest, 1, digits) end
  -- Long before all buckets are used, most batches find all of theirs there. One command tells.
  local young = count < ALL_USED * 16 ^ digits
  local existing = young and redis.call('EXISTS', unpack(buckets)) or #buckets
  for i, digest in ipairs(digests) do
    local bucket = buckets[i]
    local isNew = existing == 0 or (existing < #buckets and redis.call('EXISTS', bucket) == 0)
    redis.call('SADD', bucket, string.sub(digest, BUCKET_DIGITS + 1), unpack(marks and {marks[i]} or {}))
    if isNew then redis.call('PEXPIRE', bucket, openedAt + 2 * windowMs - now) end
  end
  if count >= FULL * 16 ^ digits and digits < BUCKET_DIGITS then
    openGeneration(key, number + 1, digits + 1, now, windowMs)
  end
end
