--[[
  Notes in a log that its request follows another one, which is asking the model the same question, and tells the log's
  readers. From then on, each api that has readers copies into it what the other request writes, until a later attempt
  writes.

  KEYS:
    1 the log

  ARGV:
    1 epoch of the attempt
    2 the id of the request that is asking the model
    3 the event with which that begins, as JSON
    4 for how long the log is kept from now on, in ms
    5 channel of the log
    6 now, ISO 8601
    7 the message that tells readers to copy

  Cost: 5 commands, 1 if the log has not begun, and 1 if an earlier attempt has left a text; 1 if it follows that
  request already.
]]
-- include: log-entries
local log = KEYS[1]
local epoch, asker, event, keptMs = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local channel, now, message = ARGV[5], ARGV[6], ARGV[7]

local last = lastEntryOf(log)
if last.hasEnded or last.writer > epoch or last.asker == asker then return end
local messages = {}
beginText(log, last, epoch, now, messages)
appendEvent(log, last, epoch, event, 0, messages, 'f', asker, 'n', '-1')
redis.call('PEXPIRE', log, keptMs)
tellReaders(channel, messages)
redis.call('PUBLISH', channel, message)
