--[[
  Makes an accepting turn visible, as queued. A turn that has an answer is not changed, and a missing turn is not
  created.

  KEYS:
    1 session
    2 turns

  ARGV:
    1 requestId
    2 now, ISO 8601
    3 for how long the session is kept, in ms

  Cost: 5 commands; 2 for a turn that stays as it is.
]]
-- include: session-seen
local sessionKey, turnsKey = KEYS[1], KEYS[2]
local requestId, now, retentionMs = ARGV[1], ARGV[2], ARGV[3]
local text = redis.call('GET', sessionKey)
if not text or redis.call('HGET', turnsKey, requestId .. ':s') ~= 'accepting' then return end
redis.call('HSET', turnsKey, requestId .. ':s', 'queued')
keepSeen(sessionKey, turnsKey, cjson.decode(text), now, retentionMs)
