--[[
  Erases an answer log, if there is one. What is left says that the log has ended, so that a worker that still has the
  request in hand writes nothing more.

  KEYS:
    1 the log

  ARGV:
    1 for how long that is remembered, in ms
    2 channel of the log
    3 the message for its readers

  Cost: 5 commands; 1 if there is no log.
]]
local log = KEYS[1]
local rememberMs, channel, message = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', log) == 0 then return end
redis.call('DEL', log)
redis.call('XADD', log, '0-1', 'e', '', 'c', '0', 'b', '0', 'x', '1')
redis.call('PEXPIRE', log, rememberMs)
redis.call('PUBLISH', channel, message)
