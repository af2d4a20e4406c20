--[[
  Appends events to an answer log, and tells its readers. The log is a stream. The id of an entry is the number of the
  event, and the epoch of the attempt that wrote it plus 1. So the last entry alone says who has written and how far.

  An entry has these fields:
    e the event, as JSON
    c how long the text is after it
    b how many bytes the log's events have, up to this one
    x 1 if it ends the log

  KEYS:
    1 the log

  ARGV:
    1 epoch of the attempt; 0 for an api, which may begin a log, and end it
    2 number of the first event; -1 for the first events of an attempt, or of an api
    3 1 if numbers may be left out, because the server has lost events that this attempt wrote
    4 1 if the last of these events ends the log
    5 for how long the log is kept from now on, in ms; 0 if that stays as it is
    6 channel of the log
    7 now, ISO 8601
    then for each event:
      +0 the event, as JSON
      +1 how long the text is after it; -1 if the text stays as it is. Then its length is added as the event's `offset`

  Output:
    1 'written', also if it was written before
      'lost'     a later attempt has written
      'ended'    the log has ended
      'begun'    an api wanted to begin a log that was there already
      'gap'      the server has lost events of this attempt
      'none'     an api wanted to end a log that is not there
    2 number of the last event
    3 bytes of the log's events

  Cost: 2 commands, 1 for each event, 1 if an earlier attempt has left a text, and 1 if its expiry changes.
]]
local FIRST_EVENT, ARGS_PER_EVENT = 8, 2
-- Where an entry has the values of its fields.
local CHARS, BYTES, ENDS = 4, 6, 8

local log = KEYS[1]
local epoch, first, mayJump, ends = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4] == '1'
local keptMs, channel, now = tonumber(ARGV[5]), ARGV[6], ARGV[7]
local count = (#ARGV - FIRST_EVENT + 1) / ARGS_PER_EVENT

local number, writer, chars, bytes = -1, -1, 0, 0
local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
if last then
  local dash = string.find(last[1], '-', 1, true)
  number, writer = tonumber(string.sub(last[1], 1, dash - 1)), tonumber(string.sub(last[1], dash + 1)) - 1
  chars, bytes = tonumber(last[2][CHARS]), tonumber(last[2][BYTES])
  -- The reply to the same end may have been lost.
  if last[2][ENDS] then return {ends and epoch > 0 and writer == epoch and 'written' or 'ended', number, bytes} end
end
if epoch == 0 then
  if last and not ends then return {'begun', number, bytes} end
  if ends and not last then return {'none', number, bytes} end
else
  if writer > epoch then return {'lost', number, bytes} end
  if writer == epoch and (first == -1 or number >= first + count - 1) then return {'written', number, bytes} end
  if first > number + 1 and not mayJump then return {'gap', number, bytes} end
end

local messages = {}
local function append(event, charsAfter, isEnd)
  number, chars, bytes = number + 1, charsAfter, bytes + #event
  local id = string.format('%.0f-%.0f', number, epoch + 1)
  local size = string.format('%.0f', bytes)
  if isEnd then
    redis.call('XADD', log, id, 'e', event, 'c', chars, 'b', size, 'x', '1')
  else
    redis.call('XADD', log, id, 'e', event, 'c', chars, 'b', size)
  end
  messages[#messages + 1] = string.format('%.0f', number) .. ',' .. event
end

if first > number + 1 then number = first - 1 end
if epoch > 0 and first == -1 then
  if not last then append('{"type":"queued","at":"' .. now .. '"}', 0) end
  if chars > 0 then append('{"type":"restarted","at":"' .. now .. '"}', 0) end
end
for n = 1, count do
  local arg = FIRST_EVENT + ARGS_PER_EVENT * (n - 1)
  local event, charsAfter = ARGV[arg], tonumber(ARGV[arg + 1])
  if charsAfter < 0 then
    charsAfter = chars
    event = string.sub(event, 1, -2) .. ',"offset":' .. chars .. '}'
  end
  append(event, charsAfter, ends and n == count)
end
if keptMs > 0 then redis.call('PEXPIRE', log, keptMs) end
redis.call('PUBLISH', channel, '[' .. table.concat(messages, ',') .. ']')
return {'written', number, bytes}
