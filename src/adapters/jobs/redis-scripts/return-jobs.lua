--[[
  Puts delayed or failed jobs into the line again at once, each at the front of its user's turn. BullMQ's own scripts
  would give them their old places, which mean nothing in the present line.

  KEYS:
    1 where they are: delayed or failed
    2 prioritized
    3 next-tags
    4 marker
    5 meta

  ARGV:
    1 key prefix
    2... ids

  Output:
    how many of them were there

  Cost: 7 commands for each job, and up to 6.
]]
-- include: line
local state, line, nextTags, marker, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local prefix = ARGV[1]

local found = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  if redis.call('ZREM', state, id) == 1 then
    redis.call('HDEL', prefix .. id, 'finishedOn', 'processedOn', 'failedReason')
    found[#found + 1] = id
  end
end
if returnToLine(prefix, line, nextTags, found) > 0 and redis.call('HEXISTS', meta, 'paused') == 0 then
  redis.call('ZADD', marker, 0, '0')
end
return #found
