--[[
  Writes down that a process is alive, and removes processes that have been silent for long. The server's clock is used,
  because the clocks of processes may differ.

  KEYS:
    1 processes

  ARGV:
    1 id of the process
    2 what it says of itself, as JSON
    3 after how long a silent process is removed, in ms

  Cost: 3 commands, and 1 if a process is removed.
]]
-- include: server-time
local processes = KEYS[1]
local id, json, forgetMs = ARGV[1], ARGV[2], tonumber(ARGV[3])

local now = serverTimeMs()
redis.call('HSET', processes, id, string.format('%.0f', now) .. ' ' .. json)
local all = redis.call('HGETALL', processes)
local gone = {}
for i = 1, #all, 2 do
  local seenAt = tonumber(string.match(all[i + 1], '^(%d+) '))
  if not seenAt or now - seenAt > forgetMs then gone[#gone + 1] = all[i] end
end
if #gone > 0 then redis.call('HDEL', processes, unpack(gone)) end
