--[[
  Reads the newest visible turns of a user's session, or those before a number. Reads at least one turn, and more turns
  as long as they fit.

  KEYS:
    1 session
    2 turns

  ARGV:
    1 userId
    2 number before which the page ends, or nothing: the newest turns
    3 most turns
    4 most bytes

  Output:
    nil  the user has no such session
    -1   no page of the session ends before that number
    {
      the session, as JSON
      number before which the next page ends, or -1: there is none
      the newest visible turn of the session, or {}
      the turns of the page, newest first
      the question that the title is made from if the session has none, or ''
    }
    A turn is {requestId, question, state or '', answer or '', feedback or ''}.

  Cost: 2 commands, one for each turn that is read, and one for each look at as many turns as the page may have. An
  older page costs the same again, to find the newest turn. A session of an earlier version costs 2 more.
]]
-- include: turn-index
-- include: session-title
local sessionKey, turnsKey = KEYS[1], KEYS[2]
local userId, endsBefore, mostTurns, mostBytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

-- Passes the visible turns before a number to `take`, newest first, until `take` returns true.
local function eachVisibleBefore(last, take)
  while last > 0 do
    local fields = {}
    for number = last - 1, math.max(0, last - mostTurns), -1 do fields[#fields + 1] = number .. ':n' end
    for i, id in ipairs(redis.call('HMGET', turnsKey, unpack(fields))) do
      if id then
        local turn = redis.call('HMGET', turnsKey, id .. ':q', id .. ':s', id .. ':a', id .. ':f')
        local question, state, answer, feedback = turn[1], turn[2], turn[3], turn[4]
        local visible = question and (answer or state == 'queued')
        if visible and take(last - i, {id, question, state or '', answer or '', feedback or ''}) then return end
      end
    end
    last = last - #fields
  end
end

local session = redis.call('GET', sessionKey)
local decoded = session and cjson.decode(session)
if not decoded or decoded.userId ~= userId then return false end
local nextNumber = readTurnIndex(turnsKey, redis.call('HGET', turnsKey, 'index:n'))
if endsBefore and (endsBefore < 1 or endsBefore > nextNumber) then return -1 end

local nextPage, newest, page, pageBytes = -1, {}, {}, 0
eachVisibleBefore(endsBefore or nextNumber, function(number, turn)
  local question, answer = turn[2], turn[4]
  local bytes = string.len(question) + string.len(answer)
  if #page > 0 and (#page == mostTurns or pageBytes + bytes > mostBytes) then
    nextPage = number + 1
    return true
  end
  pageBytes = pageBytes + bytes
  page[#page + 1] = turn
end)
if endsBefore then
  eachVisibleBefore(nextNumber, function(_, turn)
    newest = turn
    return true
  end)
else
  newest = page[1] or {}
end
return {session, nextPage, newest, page, questionForTitle(decoded, turnsKey)}
