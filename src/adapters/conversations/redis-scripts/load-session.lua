--[[
  Writes a session with its turns, unless it is there or was erased.

  KEYS:
    1 session
    2 turns
    3 tombstone
    4 note of the load

  ARGV:
    1    the note, as it was when the load began
    2    the session, as JSON
    3    for how long it is kept, in ms
    4... fields of the hash of turns and their values, in turn

  Output:
    'loaded'   the session is written
    'there'    it was there already
    'erased'   it was erased
    'changed'  the note is gone or another load's: what was read may be out of date

  Cost: 7 commands, and one for each 1,000 fields; up to 3 if nothing is written.
]]
local sessionKey, turnsKey, tombstoneKey, noteKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local note, session, ttlMs, firstField = ARGV[1], ARGV[2], ARGV[3], 4
if redis.call('EXISTS', tombstoneKey) == 1 then return 'erased' end
if redis.call('EXISTS', sessionKey) == 1 then return 'there' end
if redis.call('GET', noteKey) ~= note then return 'changed' end
redis.call('DEL', noteKey, turnsKey)
redis.call('SET', sessionKey, session, 'PX', ttlMs)
for first = firstField, #ARGV, 2000 do
  redis.call('HSET', turnsKey, unpack(ARGV, first, math.min(#ARGV, first + 1999)))
end
redis.call('PEXPIRE', turnsKey, ttlMs)
return 'loaded'
