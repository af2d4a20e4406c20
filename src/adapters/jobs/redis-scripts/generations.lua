-- Digests that are remembered for a while, in generations. Only digests are kept: no text and no id.
--
-- A bucket is a Redis set or hash whose members are 64-bit integers. A generation has 16^digits buckets. A digest is
-- the SHA-256 of a job's id, in two parts:
--
--     digest   3fa9c1 -4471920137765552101
--              |____| |__________________|
--                 |            |
--                 |            the member: 64 bits, as a number with its sign
--                 6 hexadecimal digits: the first ones, as many as the generation has, name the bucket
--
--     finished            list of generations, the latest first: {number}:{digits}:{opened at, ms}
--     finished:count      how many digests the latest generation has
--     finished:7:3f       a bucket: of generation 7, which has 2 digits
--
-- A bucket has some hundred members at most, and few generations are alive. So the probability that a new digest is
-- mistaken for another one is at most 2^-54.
--
-- Digests are added to the latest generation only. A new generation is opened
--   - when the latest is as old as the window. If the latest is nearly empty, the new one has a sixteenth of its
--     buckets;
--   - when the latest is full: when its buckets have so many members on average. The new one then has 16 times as many
--     buckets.
-- Each bucket expires two windows after its generation was opened. So a digest is remembered for at least one window
-- and at most two, and no script has to search for old ones. Usually two generations are alive, so a digest is looked
-- up in two buckets.

-- include: server-time
-- constant: BUCKET_DIGITS

-- From this many members a bucket on, all buckets are in use: the probability that one is empty is 10^-13.
local ALL_USED = 30
-- If a generation is filled to a smaller part than this, a sixteenth of its buckets would have been enough.
local NEARLY_EMPTY = 1 / 20
local FEWEST_DIGITS = 2

local function readGeneration(entry)
  local number, digits, openedAt = string.match(entry, '^(%d+):(%d+):(%d+)$')
  return tonumber(number), tonumber(digits), tonumber(openedAt)
end

-- Returns the generations that are alive, the latest first. Costs one command.
local function generationsOf(key)
  local generations = {}
  for i, entry in ipairs(redis.call('LRANGE', key, 0, -1)) do
    local number, digits = readGeneration(entry)
    generations[i] = {prefix = key .. ':' .. number .. ':', digits = digits}
  end
  return generations
end

local function bucketOf(generation, digest) return generation.prefix .. string.sub(digest, 1, generation.digits) end

local function memberOf(digest) return string.sub(digest, BUCKET_DIGITS + 1) end

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

-- Adds digests to the latest generation. Costs 3 commands and those of `put`; one more while the generation is young,
-- and then two for each new bucket; and some more when a generation is opened.
-- full: the average number of members in a bucket of a full generation
-- put(bucket, i): adds the member of the digest with this index to its bucket
local function addToLatest(key, digests, windowMs, full, put)
  local now = serverTimeMs()
  local latest = redis.call('LINDEX', key, 0)
  local number, digits, openedAt = 0, FEWEST_DIGITS, now
  if latest then number, digits, openedAt = readGeneration(latest) end
  if not latest or openedAt + windowMs <= now then
    local countSoFar = tonumber(redis.call('GET', key .. ':count') or 0)
    if countSoFar < NEARLY_EMPTY * full * 16 ^ digits then digits = math.max(FEWEST_DIGITS, digits - 1) end
    number, openedAt = number + 1, now
    openGeneration(key, number, digits, now, windowMs)
  end
  local prefix = key .. ':' .. number .. ':'
  local count = redis.call('INCRBY', key .. ':count', #digests)
  local buckets = {}
  for i, digest in ipairs(digests) do buckets[i] = prefix .. string.sub(digest, 1, digits) end
  -- Long before all buckets are used, most batches find all of theirs there. One command tells.
  local young = count < ALL_USED * 16 ^ digits
  local existing = young and redis.call('EXISTS', unpack(buckets)) or #buckets
  for i, bucket in ipairs(buckets) do
    local isNew = existing == 0 or (existing < #buckets and redis.call('EXISTS', bucket) == 0)
    put(bucket, i)
    if isNew then redis.call('PEXPIRE', bucket, openedAt + 2 * windowMs - now) end
  end
  if count >= full * 16 ^ digits and digits < BUCKET_DIGITS then
    openGeneration(key, number + 1, digits + 1, now, windowMs)
  end
end
