--[[
  Claims the ids of requests for the shards of their users. The keys are those of the home of the ids, which is another
  shard. The first shard that claims an id has it. At its home, the request then counts as finished, so no job with the
  id is added there; and a mark beside it says which shard has it. The home itself claims nothing: it has an id if it
  has the job, or remembers that the job has finished.

  KEYS:
    1 finished

  ARGV:
    1 key prefix
    2 for how long a claim holds at least, in ms
    then for each request:
      +0 id of its job
      +1 digest of that id
      +2 mark of its user's shard

  Output:
    which of the given requests another shard has, counted from 1

  Cost: 2 commands, and for each request 1 for each generation; 1 for each that was claimed before, or if the home has
  one of the jobs; and if there is a new one, that of rememberFinished.
]]
-- include: finished-requests
local FIRST_REQUEST, ARGS_PER_REQUEST = 3, 3

local finishedKey, prefix, windowMs = KEYS[1], ARGV[1], tonumber(ARGV[2])

local keys = {}
for arg = FIRST_REQUEST, #ARGV, ARGS_PER_REQUEST do keys[#keys + 1] = prefix .. ARGV[arg] end
local noneThere = redis.call('EXISTS', unpack(keys)) == 0
local generations = finishedIn(finishedKey)

local new, marks, markOf, others = {}, {}, {}, {}
for n, key in ipairs(keys) do
  local arg = FIRST_REQUEST + ARGS_PER_REQUEST * (n - 1)
  local digest, mark = ARGV[arg + 1], ARGV[arg + 2]
  local bucket = not markOf[digest] and isFinished(generations, digest)
  local isOthers
  if markOf[digest] then
    isOthers = markOf[digest] ~= mark
  elseif bucket then
    isOthers = redis.call('SISMEMBER', bucket, mark) == 0
  else
    isOthers = not noneThere and redis.call('EXISTS', key) == 1
    if not isOthers then
      markOf[digest] = mark
      new[#new + 1] = digest
      marks[#marks + 1] = mark
    end
  end
  if isOthers then others[#others + 1] = n end
end
if #new > 0 then rememberFinished(finishedKey, new, windowMs, marks) end
return others
