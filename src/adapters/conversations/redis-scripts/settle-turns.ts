import type { Redis } from 'ioredis';
import type { ChatResponse } from '../../../contracts/chat-response.ts';
import { redisKeys, SETTLED_CHANNEL } from '../../../contracts/redis-keys.ts';
import { channelOf } from '../../redis/channels.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { SettleOutcome } from '../conversation-store.ts';
import { ERASED } from './erase-session.ts';

/**
 * KEYS: session, turns, tombstone. ARGV: requestId, userId, status, the response, completedAt, retention in ms, the notice,
 * the answer's key in the cache or nothing, the channel of notices.
 * The first terminal state stays, but for a failure that an answer supersedes. An answer whose session was erased is noted
 * in the tombstone: the worker that gave it may have kept something of it since.
 */
const script = defineScript(`
local tombstone = redis.call('GET', KEYS[3])
if tombstone then
  local remains = tombstone == '${ERASED}' and {userId = ARGV[2], requestIds = {}, answerKeys = {}} or cjson.decode(tombstone)
  if remains.userId == ARGV[2] then
    table.insert(remains.requestIds, ARGV[1])
    if ARGV[8] ~= '' then table.insert(remains.answerKeys, ARGV[8]) end
    redis.call('SET', KEYS[3], cjson.encode(remains), 'KEEPTTL')
  end
  return 'erased'
end
local text = redis.call('GET', KEYS[1])
if not text then return 'unknown' end
local session = cjson.decode(text)
if session.userId ~= ARGV[2] then return 'unknown' end
if redis.call('HEXISTS', KEYS[2], ARGV[1] .. ':q') == 0 then return 'unknown' end
local answer = redis.call('HGET', KEYS[2], ARGV[1] .. ':a')
if answer and not (ARGV[3] == 'completed' and cjson.decode(answer).status == 'failed') then return 'duplicate' end
redis.call('HDEL', KEYS[2], ARGV[1] .. ':s')
local key = ARGV[8] ~= '' and {ARGV[1] .. ':k', ARGV[8]} or {}
redis.call('HSET', KEYS[2], ARGV[1] .. ':a', ARGV[4], unpack(key))
if session.requestId == ARGV[1] or session.status ~= 'queued' then
  session.status = ARGV[3]
  session.requestId = ARGV[1]
end
session.updatedAt = ARGV[5]
redis.call('SET', KEYS[1], cjson.encode(session), 'PX', ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('PUBLISH', ARGV[9], ARGV[7])
return 'settled'
`);

/** Writes terminal states down; the commands leave together, so that it is one round trip. */
export async function settleTurns(
  redis: Redis,
  responses: readonly ChatResponse[],
  { retentionMs, replica }: { retentionMs: number; replica: string },
): Promise<SettleOutcome[]> {
  const notices = channelOf(redis, SETTLED_CHANNEL);
  return await Promise.all(
    responses.map(async (response) => {
      // The key has a field of its own, so that an erasure finds it without reading answers.
      const { answerKey, ...shown } = response;
      const { sessionId, requestId, userId, status, completedAt } = shown;
      const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId), redisKeys.erased(sessionId)];
      const args = [requestId, userId, status, JSON.stringify(shown), completedAt];
      const notice = `${replica} ${requestId}`;
      return (await script(redis, keys, [...args, retentionMs, notice, answerKey ?? '', notices])) as SettleOutcome;
    }),
  );
}
