import { limits } from '../../../contracts/limits.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import type { Seals } from '../../../contracts/sealing.ts';
import { titleOf } from '../../../contracts/title.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { BeginOutcome, NewTurn } from '../conversation-store.ts';
import { sealQuestion, sealTitle } from '../sealed-texts.ts';

const script = defineScript(import.meta.dirname, 'begin-turn');

/**
 * Writes a turn down as accepting. One round trip.
 * @param options.ttlMs how long a new session is kept if its turn is not confirmed
 */
export async function beginTurn(
  { redis, seals }: { redis: Redis; seals: Seals },
  { sessionId, userId, requestId, message, createdAt, traceId, stream = false }: NewTurn,
  options: { newSession: boolean; ttlMs: number },
): Promise<BeginOutcome> {
  const question = { message, createdAt, traceId, ...(stream && { stream }) };
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId), redisKeys.erased(sessionId)];
  return (await script(redis, keys, [
    requestId,
    JSON.stringify(sealQuestion(seals, { requestId, userId }, question)),
    userId,
    options.newSession ? '1' : '0',
    options.newSession ? sessionBeginningWith(seals, { sessionId, userId, message, createdAt }) : '',
    options.ttlMs,
    limits.sessionTurns,
  ])) as BeginOutcome;
}

/** A session that nobody can see yet, as JSON. */
const sessionBeginningWith = (
  seals: Seals,
  { sessionId, userId, message, createdAt }: Pick<NewTurn, 'sessionId' | 'userId' | 'message' | 'createdAt'>,
) =>
  JSON.stringify({
    sessionId,
    userId,
    ...sealTitle(seals, { sessionId, userId }, titleOf(message)),
    status: 'accepting',
    createdAt,
    updatedAt: createdAt,
  });
