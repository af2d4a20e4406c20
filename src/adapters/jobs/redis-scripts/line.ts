import { CLASSES } from '../fair-order.ts';
import { USER_FIELD } from './bullmq-keys.ts';

const { interactive, batch } = CLASSES;

/**
 * The line in which jobs wait, for the scripts that add, take and return jobs: see fair-order.ts for what it promises.
 *
 * It is BullMQ's sorted set of prioritised jobs, ordered by tag. The hash `next-tags` has, while anybody waits,
 * - by class (its lowest tag): the tag that was served last. New jobs get no lower one, whatever the first in line has
 * - by `{class}:{user}`: the tag of the user's next new job
 * - by `r{class}:{user}`: the tag of the user's next job that returns
 *
 * A job that returns (from a delay, from a process that stopped, or because an operator retries it) gets a tag of the
 * present line, before all others with that tag. The tag it had before belongs to an earlier line: it may be anywhere.
 * Jobs of one user that return together get ascending tags, so that after an outage a user with many of them takes turns
 * with the others. The user's next new jobs go behind them.
 */
export const lineLua = `
local TAG = 4294967296

local function servedTag(line, nextTags, from, to, remembered)
  local head = redis.call('ZRANGEBYSCORE', line, from * TAG, (to + 1) * TAG - 1, 'WITHSCORES', 'LIMIT', 0, 1)
  return math.max(from, tonumber(remembered) or 0, head[2] and math.floor(tonumber(head[2]) / TAG) or 0)
end

local function classOf(tag)
  if tag >= ${batch.from} then return ${batch.from}, ${batch.to} end
  return ${interactive.from}, ${interactive.to}
end

local function rememberServed(nextTags, score)
  local tag = math.floor(tonumber(score) / TAG)
  redis.call('HSET', nextTags, (classOf(tag)), tag)
end

local function returnToLine(prefix, line, nextTags, ids)
  if redis.call('EXISTS', line) == 0 then redis.call('DEL', nextTags) end
  local served, returned = {}, 0
  for _, id in ipairs(ids) do
    local key = prefix .. id
    local fields = redis.call('HMGET', key, 'priority', '${USER_FIELD}', 'timestamp')
    if fields[3] then
      local from, to = classOf(tonumber(fields[1]) or 0)
      local turn = from .. ':' .. (fields[2] or '')
      local tags = redis.call('HMGET', nextTags, from, 'r' .. turn, turn)
      served[from] = served[from] or servedTag(line, nextTags, from, to, tags[1])
      local tag = math.min(to, math.max(served[from], tonumber(tags[2]) or 0))
      redis.call('HSET', nextTags, 'r' .. turn, tag + 1, turn, math.max(tag + 1, tonumber(tags[3]) or 0))
      redis.call('HSET', key, 'priority', tag, 'delay', '0')
      redis.call('ZADD', line, tag * TAG, id)
      returned = returned + 1
    end
  end
  return returned
end
`;
