--[[
  Removes question, context and answer of completed jobs. If an operator has retried a job meanwhile, it is not among
  the completed jobs, and keeps them.

  KEYS:
    1 completed

  ARGV:
    1 key prefix
    2... ids

  Cost: 2 commands for each job.
]]
-- constant: FINISHED_DATA
local completed = KEYS[1]
local prefix = ARGV[1]

for i = 2, #ARGV do
  local id = ARGV[i]
  if redis.call('ZSCORE', completed, id) then
    redis.call('HSET', prefix .. id, 'data', FINISHED_DATA, 'progress', '')
  end
end
