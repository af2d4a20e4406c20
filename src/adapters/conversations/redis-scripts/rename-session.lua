--[[
  Gives a user's session another title. It is kept no longer than before.

  KEYS:
    1 session

  ARGV:
    1 userId
    2 title, as the record with `title` or `sealed` that it is kept as, JSON

  Output:
    nil  the user has no visible session with this id
    the session, as JSON

  Cost: 2 commands.
]]
-- include: session-seen
local sessionKey, userId, kept = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
local text = redis.call('GET', sessionKey)
local session = text and cjson.decode(text)
if not session or session.userId ~= userId or not wasSeen(session) then return false end
session.title, session.sealed = kept.title, kept.sealed
text = cjson.encode(session)
redis.call('SET', sessionKey, text, 'KEEPTTL')
return text
