--[[
  Appends events to an answer log, and tells its readers.

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
    2 number of the last event
    3 bytes of the log's events

  Cost: 2 commands, 1 for each event, 1 if an earlier attempt has left a text, and 1 if its expiry changes.
]]
-- include: log-entries
local FIRST_EVENT, ARGS_PER_EVENT = 8, 2

local log = KEYS[1]
local epoch, first, mayJump, ends = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4] == '1'
local keptMs, channel, now = tonumber(ARGV[5]), ARGV[6], ARGV[7]
local count = (#ARGV - FIRST_EVENT + 1) / ARGS_PER_EVENT

local last = lastEntryOf(log)
local isThere = last.number >= 0
local function reply(outcome) return {outcome, last.number, last.bytes} end

-- The reply to the same end may have been lost.
if last.hasEnded then return reply(ends and epoch > 0 and last.writer == epoch and 'written' or 'ended') end
if epoch == 0 then
  if isThere and not ends then return reply('begun') end
else
  if last.writer > epoch then return reply('lost') end
  local isBegun = last.writer == epoch and not last.isHidden and not last.asker
  if isBegun and (first == -1 or last.number >= first + count - 1) then return reply('written') end
  if first > last.number + 1 and not mayJump then return reply('gap') end
end

local messages = {}
if first > last.number + 1 then last.number = first - 1 end
if first == -1 and (epoch > 0 or not isThere) then beginText(log, last, epoch, now, messages) end
for n = 1, count do
  local arg = FIRST_EVENT + ARGS_PER_EVENT * (n - 1)
  local event, charsAfter = ARGV[arg], tonumber(ARGV[arg + 1])
  if charsAfter < 0 then
    charsAfter = last.chars
    event = string.sub(event, 1, -2) .. ',"offset":' .. charsAfter .. '}'
  end
  if ends and n == count then
    appendEvent(log, last, epoch, event, charsAfter, messages, 'x', '1')
  else
    appendEvent(log, last, epoch, event, charsAfter, messages)
  end
end
if keptMs > 0 then redis.call('PEXPIRE', log, keptMs) end
tellReaders(channel, messages)
return reply('written')
