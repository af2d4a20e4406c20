-- The time of the server's clock, in ms. Costs one command (TIME).
local function serverTimeMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
