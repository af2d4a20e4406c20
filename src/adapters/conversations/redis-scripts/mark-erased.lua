--[[
  Notes in the tombstone of an erased session that nothing is left elsewhere. Does nothing if something was added since.

  KEYS:
    1 tombstone

  ARGV:
    1 what the tombstone held when the erasure began
    2 for how long the tombstone is kept, in ms

  Output:
    1 nothing is left
    0 something was added since, or the note was there already

  Cost: 2 commands.
]]
-- constant: NOTHING_LEFT
local tombstoneKey, erased, tombstoneMs = KEYS[1], ARGV[1], ARGV[2]
if redis.call('GET', tombstoneKey) ~= erased then return 0 end
redis.call('SET', tombstoneKey, NOTHING_LEFT, 'PX', tombstoneMs)
return 1
