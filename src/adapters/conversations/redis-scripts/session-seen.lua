-- Returns whether a turn of the session was ever visible. Earlier versions had the status `accepting` until then.
local function wasSeen(session)
  return session.seen or (session.status ~= nil and session.status ~= 'accepting')
end

-- Saves a session that has a visible turn. Costs two commands.
local function keepSeen(sessionKey, turnsKey, session, updatedAt, retentionMs)
  session.seen, session.updatedAt = true, updatedAt
  -- Fields that earlier versions wrote.
  session.status, session.requestId = nil, nil
  redis.call('SET', sessionKey, cjson.encode(session), 'PX', retentionMs)
  redis.call('PEXPIRE', turnsKey, retentionMs)
end
