--[[
  Reads a family of refresh tokens, and the server's time, which the times of its exchanges are compared with.

  KEYS:
    1 family

  Output: {the server's time in ms, {userId, hash, secret, generation, rotations, issuedAt}}
    Missing fields are nil. If there is no family, all of them are nil.

  Cost: 2 commands.
]]
-- include: server-time
return {
  serverTimeMs(),
  redis.call('HMGET', KEYS[1], 'userId', 'hash', 'secret', 'generation', 'rotations', 'issuedAt')
}
