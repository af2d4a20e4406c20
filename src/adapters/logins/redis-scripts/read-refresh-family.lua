--[[
  Reads a family of refresh tokens, with the time that its exchanges are compared with.

  KEYS:
    1 family

  Output: {the server's time in ms, {userId, hash, secret, generation, rotations, issuedAt}}; a field that the family
    lacks is nil, and so is every field where there is no family.

  Cost: 2 commands.
]]
-- include: server-time
return {
  serverTimeMs(),
  redis.call('HMGET', KEYS[1], 'userId', 'hash', 'secret', 'generation', 'rotations', 'issuedAt')
}
