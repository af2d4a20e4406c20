--[[
  Reads a user's session without its turns.

  KEYS:
    1 session
    2 turns

  ARGV:
    1 userId

  Output:
    nil  there is no such session, or it is another user's
    0    none of its turns was ever visible
    {the session, as JSON; the question that its title is made from, or ''}

  Cost: 1 command; 3 for a session of an earlier version.
]]
-- include: session-seen
-- include: session-title
local sessionKey, turnsKey, userId = KEYS[1], KEYS[2], ARGV[1]
local text = redis.call('GET', sessionKey)
local session = text and cjson.decode(text)
if not session or session.userId ~= userId then return false end
if not wasSeen(session) then return 0 end
return {text, questionForTitle(session, turnsKey)}
