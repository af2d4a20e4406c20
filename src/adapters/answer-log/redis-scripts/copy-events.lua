--[[
  Copies events that another request has written into the log of a request that follows it, and tells the readers of
  that log. Several processes may copy the same events: each event is written once, and in order.

  KEYS:
    1 the log

  ARGV:
    1 the id of the request that is asking the model
    2 the number, in its log, after which these events come
    3 channel of the log
    4 the mark of messages with copied events
    then for each event:
      +0 its number in the other log
      +1 the event, as JSON
      +2 how long the text is after it; -1 if the text stays as it is

  Output:
    1 'copied', also if it was copied before
      'moved'  the log does not follow that request any more
      'behind' the server has lost events that were copied before these
    2 the number, in the other log, up to which the events were copied
    3 bytes of the log's events

  Cost: 1 command, 1 for each event that is new, and 1 if there is one.
]]
-- include: log-entries
local FIRST_EVENT, ARGS_PER_EVENT = 5, 3

local log, asker, after, channel, mark = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local last = lastEntryOf(log)
if last.asker ~= asker then return {'moved', -1, last.bytes} end
local copied = last.copied
if copied < after then return {'behind', copied, last.bytes} end

local messages = {}
for arg = FIRST_EVENT, #ARGV, ARGS_PER_EVENT do
  local number, event, charsAfter = tonumber(ARGV[arg]), ARGV[arg + 1], tonumber(ARGV[arg + 2])
  -- Readers who have no text need not forget it.
  local isNews = charsAfter ~= 0 or last.chars > 0
  if number > copied and isNews then
    copied = number
    if charsAfter < 0 then charsAfter = last.chars end
    appendEvent(log, last, last.writer, event, charsAfter, messages, 'f', asker, 'n', string.format('%.0f', copied))
  end
end
if #messages > 0 then redis.call('PUBLISH', channel, mark .. '[' .. table.concat(messages, ',') .. ']') end
return {'copied', copied, last.bytes}
