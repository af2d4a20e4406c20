-- Returns whether a turn of the session was ever visible. Until then the session has the status `accepting`. Earlier
-- versions, which may run beside this one, wrote other statuses later, and read this one.
local function wasSeen(session)
  return session.status ~= 'accepting'
end

-- Saves a session that has a visible turn. Costs two commands.
local function keepSeen(sessionKey, turnsKey, session, updatedAt, retentionMs)
  session.updatedAt = updatedAt
  -- The requestId is a field that earlier versions wrote.
  session.status, session.requestId = nil, nil
  redis.call('SET', sessionKey, cjson.encode(session), 'PX', retentionMs)
  redis.call('PEXPIRE', turnsKey, retentionMs)
end
