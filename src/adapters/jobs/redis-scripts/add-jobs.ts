import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';

/** More users than this are not told apart for the moment it takes them to queue again: memory has a bound. */
const USERS_REMEMBERED = 100_000;

/**
 * Adds jobs as BullMQ's own script adds prioritised ones, all in one, and assigns their priorities, which are their tags
 * in line. It leaves out the entries in BullMQ's event stream, which nobody reads.
 *
 * KEYS: marker, meta, id, prioritized, pc, wait, delayed (BullMQ's), the next free tag by user. ARGV: key prefix, job
 * name, now, the options' JSON without its opening brace; then, of each job: id, user, lowest and highest tag of its
 * class, data.
 */
const addJobsScript = defineScript(`
local prefix, name, now, options = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('EXISTS', KEYS[4]) == 0 or redis.call('HLEN', KEYS[8]) > ${USERS_REMEMBERED} then
  redis.call('DEL', KEYS[8])
end

local served, nextTags, ids, tags = {}, {}, {}, {}
for i = 5, #ARGV, 5 do
  local id, from, to = ARGV[i], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local key = prefix .. id
  if redis.call('EXISTS', key) == 0 then
    if not served[from] then
      local head = redis.call('ZRANGEBYSCORE', KEYS[4], from * 4294967296, (to + 1) * 4294967296, 'WITHSCORES', 'LIMIT', 0, 1)
      served[from] = head[2] and math.max(from, math.floor(tonumber(head[2]) / 4294967296)) or from
    end
    local user = from .. ':' .. ARGV[i + 1]
    local tag = nextTags[user] or tonumber(redis.call('HGET', KEYS[8], user) or '0')
    tag = math.min(to, math.max(served[from], tag))
    nextTags[user] = tag + 1
    redis.call('HSET', key, 'name', name, 'data', ARGV[i + 4], 'opts', '{"priority":' .. tag .. ',' .. options,
      'timestamp', now, 'delay', 0, 'priority', tag)
    ids[#ids + 1] = id
    tags[#tags + 1] = tag
  end
end

if #ids > 0 then
  redis.call('INCRBY', KEYS[3], #ids)
  local counter = redis.call('INCRBY', KEYS[5], #ids) - #ids
  for first = 1, #ids, 1000 do
    local members = {}
    for i = first, math.min(first + 999, #ids) do
      members[#members + 1] = tags[i] * 4294967296 + (counter + i) % 4294967296
      members[#members + 1] = ids[i]
    end
    redis.call('ZADD', KEYS[4], unpack(members))
  end
  for user, tag in pairs(nextTags) do redis.call('HSET', KEYS[8], user, tag) end
  if redis.call('HEXISTS', KEYS[2], 'paused') == 0 then redis.call('ZADD', KEYS[1], 0, '0') end
end
return redis.call('LLEN', KEYS[6]) + redis.call('ZCARD', KEYS[4]) + redis.call('ZCARD', KEYS[7])
`);

/** A job to be added, and its place in line: its user, and the range of tags of its class. */
export interface JobToAdd {
  id: string;
  user: string;
  tags: { from: number; to: number };
  /** JSON */
  data: string;
}

/**
 * Adds the jobs that are not there yet.
 * @param options of each job, without its priority; not empty
 * @returns how many jobs no worker has in hand then: waiting, prioritised and delayed
 */
export async function addJobsToQueue(
  redis: Redis,
  toKey: (type: string) => string,
  jobs: readonly JobToAdd[],
  { name, options }: { name: string; options: object },
): Promise<number> {
  const keys = ['marker', 'meta', 'id', 'prioritized', 'pc', 'wait', 'delayed', 'next-tags'].map(toKey);
  const args = [toKey(''), name, Date.now(), JSON.stringify(options).slice(1)];
  for (const { id, user, tags, data } of jobs) args.push(id, user, tags.from, tags.to, data);
  return (await addJobsScript(redis, keys, args)) as number;
}
