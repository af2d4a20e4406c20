-- Whether a turn of the session was ever visible. Earlier versions wrote a status instead: `accepting` until one was.
local function wasSeen(session)
  return session.seen or (session.status ~= nil and session.status ~= 'accepting')
end

-- Writes the session with a turn that is visible. Costs two commands.
local function keepSeen(sessionKey, turnsKey, session, updatedAt, retentionMs)
  session.seen, session.updatedAt = true, updatedAt
  -- What earlier versions wrote for themselves.
  session.status, session.requestId = nil, nil
  redis.call('SET', sessionKey, cjson.encode(session), 'PX', retentionMs)
  redis.call('PEXPIRE', turnsKey, retentionMs)
end
