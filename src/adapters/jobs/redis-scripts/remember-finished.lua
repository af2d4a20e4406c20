--[[
  Remembers requests as finished, so that a message that comes again is recognised.

  KEYS:
    1 finished

  ARGV:
    1 for how long at least, in ms
    2... digests of the jobs' ids

  Cost: that of rememberFinished.
]]
-- include: finished-requests
local windowMs = tonumber(ARGV[1])
local digests = {}
for i = 2, #ARGV do digests[i - 1] = ARGV[i] end
rememberFinished(KEYS[1], digests, windowMs)
