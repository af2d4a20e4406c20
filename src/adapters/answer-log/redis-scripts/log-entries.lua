-- An answer log is a stream. The id of an entry is the number of its event, and the epoch of the attempt that wrote it
-- plus 1. So the last entry alone says who has written and how far. An entry has these fields, in this order:
--   e the event, as JSON; '' if readers see nothing of the entry. Such an entry repeats the number before it
--   c how long the text is after it
--   b how many bytes the log's events have, up to this one
--   x 1 if it ends the log
--   f instead of x: the log shows what the request with this id writes into its own log, because that one asks the
--     model. The entry was copied from there, or is the one with which that begins
--   n after f: the number, in that other log, up to which the events were copied
-- `messages` collects what readers are told.
local EVENT, CHARS, BYTES, MARK, MARKED, COPIED = 2, 4, 6, 7, 8, 10

-- The last entry. `number` is -1 if there is none.
local function lastEntryOf(log)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if not last then return {number = -1, writer = -1, chars = 0, bytes = 0} end
  local dash, fields = string.find(last[1], '-', 1, true), last[2]
  local follows = fields[MARK] == 'f'
  return {
    number = tonumber(string.sub(last[1], 1, dash - 1)),
    writer = tonumber(string.sub(last[1], dash + 1)) - 1,
    isHidden = fields[EVENT] == '',
    chars = tonumber(fields[CHARS]),
    bytes = tonumber(fields[BYTES]),
    hasEnded = fields[MARK] == 'x',
    asker = follows and fields[MARKED],
    copied = follows and tonumber(fields[COPIED]),
  }
end

-- Appends an event after the last entry, which it changes to the new one, and adds it to `messages`.
local function appendEvent(log, last, epoch, event, charsAfter, messages, ...)
  last.number, last.chars, last.bytes = last.number + 1, charsAfter, last.bytes + #event
  local number = string.format('%.0f', last.number)
  local id = number .. string.format('-%.0f', epoch + 1)
  redis.call('XADD', log, id, 'e', event, 'c', charsAfter, 'b', string.format('%.0f', last.bytes), ...)
  messages[#messages + 1] = number .. ',' .. event
end

local function beginText(log, last, epoch, now, messages)
  if last.number < 0 then appendEvent(log, last, epoch, '{"type":"queued","at":"' .. now .. '"}', 0, messages) end
  if last.chars > 0 then appendEvent(log, last, epoch, '{"type":"restarted","at":"' .. now .. '"}', 0, messages) end
end

local function tellReaders(channel, messages)
  redis.call('PUBLISH', channel, '[' .. table.concat(messages, ',') .. ']')
end
