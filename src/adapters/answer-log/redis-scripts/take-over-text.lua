--[[
  Takes a log with a text over for an attempt, which may go on with that text. Earlier attempts can write no more, and
  no events of another request are copied into the log any more. So the text stays as it is until this attempt writes.

  KEYS:
    1 the log

  ARGV:
    1 epoch of the attempt

  Output:
    1 number of the last event; -1 if the log has no text or has ended, or if a later attempt has it
    2 bytes of the log's events

  Cost: 2 commands; 1 if there is nothing to take over.
]]
-- include: log-entries
local log, epoch = KEYS[1], tonumber(ARGV[1])
local last = lastEntryOf(log)
local isTaken = last.isHidden and last.writer == epoch
if not isTaken then
  local hasText = last.asker or last.chars > 0
  if not hasText or last.hasEnded or last.writer >= epoch then return {-1, last.bytes} end
  local id = string.format('%.0f-%.0f', last.number, epoch + 1)
  redis.call('XADD', log, id, 'e', '', 'c', last.chars, 'b', string.format('%.0f', last.bytes))
end
return {last.number, last.bytes}
