--[[
  Ends the copying of another request's events into a log, so that its text stays as it is until this attempt writes.

  KEYS:
    1 the log

  ARGV:
    1 epoch of the attempt

  Output:
    1 number of the last event; -1 if the log followed no other request, or is not this attempt's
    2 bytes of the log's events

  Cost: 2 commands; 1 if the log followed no other request.
]]
-- include: log-entries
local log, epoch = KEYS[1], tonumber(ARGV[1])
local last = lastEntryOf(log)
local isStopped = last.isHidden and last.writer == epoch
if not isStopped then
  if not last.asker or last.writer >= epoch then return {-1, last.bytes} end
  local id = string.format('%.0f-%.0f', last.number, epoch + 1)
  redis.call('XADD', log, id, 'e', '', 'c', last.chars, 'b', string.format('%.0f', last.bytes))
end
return {last.number, last.bytes}
