import type { Redis } from 'ioredis';

/** A request in line: whose, and of which class. */
export interface Claim {
  userId: string;
  priority: 'interactive' | 'batch';
}

/**
 * Start-time fair queueing. Each user's requests get ascending tags, starting at the tag of the request that is served
 * next, and the lowest tag is served first. So a user's burst takes every n-th turn where n users wait, and a single
 * question goes behind at most one question of each other user. Batch requests have tags above all interactive ones.
 *
 * The tag is BullMQ's priority, which ends at 2^21.
 */
const CLASSES = {
  interactive: { from: 1, to: 999_999 },
  batch: { from: 1_000_000, to: 2_000_000 },
};
/** More users than this are not told apart for the moment it takes them to queue again: memory has a bound. */
const USERS_REMEMBERED = 100_000;

/**
 * KEYS: the jobs in line (BullMQ's sorted set), the next free tag by user. ARGV: user, lowest and highest tag of the
 * class, for each claim. BullMQ's scores hold the priority in the bits above 2^32.
 */
const ASSIGN_TAGS = `
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HLEN', KEYS[2]) > ${USERS_REMEMBERED} then
  redis.call('DEL', KEYS[2])
end
local served = {}
local tags = {}
for i = 1, #ARGV, 3 do
  local user, from, to = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  if not served[from] then
    local head = redis.call('ZRANGEBYSCORE', KEYS[1], from * 4294967296, (to + 1) * 4294967296, 'WITHSCORES', 'LIMIT', 0, 1)
    served[from] = head[2] and math.max(from, math.floor(tonumber(head[2]) / 4294967296)) or from
  end
  local field = from .. ':' .. user
  local tag = math.min(to, math.max(served[from], tonumber(redis.call('HGET', KEYS[2], field) or '0')))
  redis.call('HSET', KEYS[2], field, tag + 1)
  tags[#tags + 1] = tag
end
return tags
`;

/** Gives each claim its tag, in one round trip. */
export async function assignTags(
  redis: Redis,
  keys: { inLine: string; nextTags: string },
  claims: readonly Claim[],
): Promise<number[]> {
  const args = claims.flatMap(({ userId, priority }) => [userId, CLASSES[priority].from, CLASSES[priority].to]);
  return (await redis.eval(ASSIGN_TAGS, 2, keys.inLine, keys.nextTags, ...args)) as number[];
}
