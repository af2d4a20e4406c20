--[[
  Puts delayed or failed jobs into the line again at once, each at the front of its user's turn. BullMQ's own scripts
  would give them their old places, which mean nothing in the present line.

  KEYS:
    1 where they are: delayed or failed
    2 prioritized
    3 next-tags
    4 marker
    5 meta

  ARGV:
    1 key prefix
    2... ids

  Output:
    how many of them were there

  Cost: 7 commands for each job, and up to 6.
]]
-- include: line
local ids = {}
for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
return putBackFrom(KEYS[1], ARGV[1], {KEYS[2], KEYS[3], KEYS[4], KEYS[5]}, ids)
