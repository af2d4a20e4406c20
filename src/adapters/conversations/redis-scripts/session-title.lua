-- Returns the stored question that a session's title is made from. It is '' if the session has a title,
-- which may be sealed, or if that
-- question is gone. Sessions of earlier versions have no title. Costs 2 commands for such a session.
local function questionForTitle(session, turnsKey)
  if session.title or session.sealed then return '' end
  local first = redis.call('HGET', turnsKey, '0:n')
  return first and redis.call('HGET', turnsKey, first .. ':q') or ''
end
