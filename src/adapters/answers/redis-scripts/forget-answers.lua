--[[
  Removes answers from the cache. A claim stays, because its request is still asking the model.

  KEYS:
    1... answers

  Cost: 1 command for each answer, and 1.
]]
-- include: claim
local removed = {}
for _, key in ipairs(KEYS) do
  local mark = redis.call('GETRANGE', key, 0, 0)
  if mark ~= CLAIMED and mark ~= CLAIMED_AND_AWAITED then removed[#removed + 1] = key end
end
if #removed > 0 then redis.call('DEL', unpack(removed)) end
