import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import { keysOf, type ToKey } from './bullmq-keys.ts';
import { finishedRequestsLua } from './finished-requests.ts';
import { lineLua } from './line.ts';

/** More users than this are not told apart for the moment it takes them to queue again: memory has a bound. */
const USERS_REMEMBERED = 100_000;

/**
 * Adds jobs as BullMQ's own script adds prioritised ones, all in one, and assigns their priorities, which are their tags
 * in line. Where nobody waits and all of them find room, they are taken at once, as BullMQ's script takes a job, but
 * for the lock. It leaves out the entries in BullMQ's event stream, which nobody reads. A job that is there already, or
 * that has finished, stays as it is.
 *
 * KEYS: marker, meta, id, prioritized, pc, wait, delayed, active (BullMQ's), next-tags, finished. ARGV: key prefix, job
 * name, now, the options' JSON without its opening brace, how many jobs find room; then, of each job: id, user, lowest
 * tag of its class, digest of its id, data. Numbers are passed on as the texts they came as: Lua is slow to write them
 * out.
 */
const addJobsScript = defineScript(`${lineLua}${finishedRequestsLua}
local prefix, name, now, options = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local room = tonumber(ARGV[5])
local inLine = redis.call('ZCARD', KEYS[4])
if inLine == 0 or redis.call('HLEN', KEYS[9]) > ${USERS_REMEMBERED} then redis.call('DEL', KEYS[9]) end

local keys, users = {}, {}
for i = 6, #ARGV, 5 do
  keys[#keys + 1] = prefix .. ARGV[i]
  users[#users + 1] = ARGV[i + 2] .. ':' .. ARGV[i + 1]
end
local noneThere = redis.call('EXISTS', unpack(keys)) == 0
local remembered = inLine > 0 and redis.call('HMGET', KEYS[9], unpack(users)) or {}
local finished = finishedIn(KEYS[10])

local served, nextTags, seen, new, tags = {}, {}, {}, {}, {}
for n, key in ipairs(keys) do
  local i = 1 + 5 * n
  if not seen[key] and (noneThere or redis.call('EXISTS', key) == 0) and not isFinished(finished, ARGV[i + 3]) then
    seen[key] = true
    local from, to = classOf(tonumber(ARGV[i + 2]))
    if not served[from] then
      served[from] = inLine > 0 and servedTag(KEYS[4], KEYS[9], from, to, redis.call('HGET', KEYS[9], from)) or from
    end
    local user = users[n]
    local tag = math.min(to, math.max(served[from], nextTags[user] or tonumber(remembered[n] or 0)))
    nextTags[user] = tag + 1
    new[#new + 1] = n
    tags[#tags + 1] = tag
  end
end

local starting, cancelled = {}, {}
if #new > 0 then
  local limits = redis.call('HMGET', KEYS[2], 'paused', 'concurrency', 'max')
  local start = #new <= room and inLine == 0 and not (limits[1] or limits[2] or limits[3]) and redis.call('LLEN', KEYS[6]) == 0
  redis.call('INCRBY', KEYS[3], #new)
  local members = {}
  local counter = start and 0 or redis.call('INCRBY', KEYS[5], #new) - #new
  for m, n in ipairs(new) do
    local i = 1 + 5 * n
    local id, tag = ARGV[i], tags[m]
    local priority = tag == 0 and '0' or tostring(tag)
    local opts = '{"priority":' .. priority .. ',' .. options
    if start then
      redis.call('HSET', keys[n], 'name', name, 'data', ARGV[i + 4], 'opts', opts, 'timestamp', now, 'delay', '0',
        'priority', priority, 'processedOn', now, 'ats', '1')
      starting[m] = n
      cancelled[m] = keys[n] .. ':cancelled'
      members[m] = id
    else
      redis.call('HSET', keys[n], 'name', name, 'data', ARGV[i + 4], 'opts', opts, 'timestamp', now, 'delay', '0',
        'priority', priority)
      members[2 * m - 1] = tag * TAG + (counter + m) % TAG
      members[2 * m] = id
    end
  end
  if start then
    redis.call('LPUSH', KEYS[8], unpack(members))
    cancelled = redis.call('EXISTS', unpack(cancelled)) > 0 and redis.call('MGET', unpack(cancelled)) or {}
  else
    redis.call('ZADD', KEYS[4], unpack(members))
    local next = {}
    for user, tag in pairs(nextTags) do
      next[#next + 1] = user
      next[#next + 1] = tag
    end
    redis.call('HSET', KEYS[9], unpack(next))
    if not limits[1] then redis.call('ZADD', KEYS[1], 0, '0') end
    inLine = inLine + #new
  end
end
return {redis.call('LLEN', KEYS[6]) + inLine + redis.call('ZCARD', KEYS[7]), starting, cancelled}
`);

/** A job to be added, and its place in line: its user, and the range of tags of its class. */
export interface JobToAdd {
  id: string;
  user: string;
  tags: { from: number; to: number };
  /** `finishedDigest` of its id. */
  digest: string;
  /** JSON */
  data: string;
}

export interface Added {
  /** How many jobs no worker has in hand then: waiting, prioritised and delayed. */
  untaken: number;
  /** The places of the jobs that were taken, and whether their users have cancelled them. */
  started: { place: number; cancelled: boolean }[];
}

/**
 * Adds the jobs that are not there yet and have not finished, and takes them at once where nobody waits and all find room.
 * @param jobs at least one, at most 1,000: Lua passes no more at once
 * @param options of each job, without its priority; not empty
 */
export async function addJobsToQueue(
  redis: Redis,
  toKey: ToKey,
  jobs: readonly JobToAdd[],
  { name, options, room }: { name: string; options: object; room: number },
): Promise<Added> {
  const keys = [
    ...keysOf(toKey, 'marker', 'meta', 'id', 'prioritized', 'pc', 'wait', 'delayed', 'active'),
    ...keysOf(toKey, 'next-tags', 'finished'),
  ];
  const args = [toKey(''), name, Date.now(), JSON.stringify(options).slice(1), room];
  for (const { id, user, tags, digest, data } of jobs) args.push(id, user, tags.from, digest, data);
  const [untaken, started, cancelled] = (await addJobsScript(redis, keys, args)) as [
    number,
    number[],
    (string | null)[],
  ];
  return { untaken, started: started.map((place, index) => ({ place: place - 1, cancelled: !!cancelled[index] })) };
}
