import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { StoredTurn } from '../stored-turn.ts';
import { TURN_INDEX } from './turn-index.ts';

/**
 * KEYS: session, turns. ARGV: userId, the number before which the page ends or nothing, most turns, most bytes. Gives nil
 * where the user has no such session, and -1 where no page of it ends before that number; else the session, the number
 * before which the next page ends or -1, the newest visible turn or nothing, and the visible turns of the page, newest
 * first: requestId, question, state, answer of each.
 */
const script = defineScript(`
${TURN_INDEX}
local text = redis.call('GET', KEYS[1])
if not text or cjson.decode(text).userId ~= ARGV[1] then return false end
local next = turnIndex(KEYS[2], redis.call('HGET', KEYS[2], 'index:n'))
local before = tonumber(ARGV[2])
if before and (before < 1 or before > next) then return -1 end
local most, maxBytes = tonumber(ARGV[3]), tonumber(ARGV[4])

-- The visible turns before a number, newest first, until there are enough of them.
local function turnsBefore(last, enough)
  while last > 0 do
    local numbers = {}
    for number = last - 1, math.max(0, last - most), -1 do numbers[#numbers + 1] = number .. ':n' end
    for i, id in ipairs(redis.call('HMGET', KEYS[2], unpack(numbers))) do
      if id then
        local f = redis.call('HMGET', KEYS[2], id .. ':q', id .. ':s', id .. ':a')
        if f[1] and (f[3] or f[2] == 'queued') and enough(last - i, {id, f[1], f[2] or '', f[3] or ''}) then return end
      end
    end
    last = last - #numbers
  end
end

local cursor, newest, bytes, found = -1, {}, 0, {}
turnsBefore(before or next, function(number, turn)
  local size = string.len(turn[2]) + string.len(turn[4])
  if #found > 0 and (#found == most or bytes + size > maxBytes) then
    cursor = number + 1
    return true
  end
  bytes = bytes + size
  found[#found + 1] = turn
end)
if before then
  turnsBefore(next, function(number, turn)
    newest = turn
    return true
  end)
else
  newest = found[1] or {}
end
return {text, cursor, newest, found}
`);

export interface StoredSession {
  /** JSON */
  text: string;
  /** Before this number the next page ends; undefined: there is none. */
  next: number | undefined;
  /** undefined: there is no visible turn. */
  newest: StoredTurn | undefined;
  /** The visible turns of the page, newest first. */
  turns: StoredTurn[];
}

/**
 * Reads the newest turns of a user's session, or those before a number: at least one, and then as many as fit.
 * One round trip.
 * @returns undefined: the user has no such session; `no_such_page`: no page of it ends before that number
 */
export async function readSession(
  redis: Redis,
  { sessionId, userId }: { sessionId: string; userId: string },
  page: { before: number | undefined; limit: number; maxBytes: number },
): Promise<StoredSession | 'no_such_page' | undefined> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId)];
  const found = (await script(redis, keys, [userId, page.before ?? '', page.limit, page.maxBytes])) as
    | [string, number, string[], string[][]]
    | number
    | null;
  if (found === null) return undefined;
  if (typeof found === 'number') return 'no_such_page';
  const [text, cursor, newest, turns] = found;
  return {
    text,
    next: cursor < 0 ? undefined : cursor,
    newest: newest.length > 0 ? storedTurn(newest) : undefined,
    turns: turns.map(storedTurn),
  };
}

const storedTurn = ([requestId, question, state, answer]: string[]): StoredTurn => ({
  requestId: requestId!,
  ...{ question, state, answer },
});
