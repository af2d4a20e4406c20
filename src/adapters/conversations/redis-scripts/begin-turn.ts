import { limits } from '../../../contracts/limits.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { titleOf } from '../../../contracts/title.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { BeginOutcome, NewTurn } from '../conversation-store.ts';

const script = defineScript(import.meta.dirname, 'begin-turn');

/**
 * Writes a turn down as accepting. One round trip.
 * @param options.ttlMs how long a new session is kept if its turn is not confirmed
 */
export async function beginTurn(
  redis: Redis,
  { sessionId, userId, requestId, message, createdAt, traceId, stream = false }: NewTurn,
  options: { newSession: boolean; ttlMs: number },
): Promise<BeginOutcome> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId), redisKeys.erased(sessionId)];
  return (await script(redis, keys, [
    requestId,
    JSON.stringify({ message, createdAt, traceId, ...(stream && { stream }) }),
    userId,
    options.newSession ? '1' : '0',
    options.newSession ? sessionBeginningWith({ sessionId, userId, message, createdAt }) : '',
    options.ttlMs,
    limits.sessionTurns,
  ])) as BeginOutcome;
}

/** A session that nobody can see yet, as JSON. */
const sessionBeginningWith = ({
  sessionId,
  userId,
  message,
  createdAt,
}: Pick<NewTurn, 'sessionId' | 'userId' | 'message' | 'createdAt'>) =>
  JSON.stringify({
    sessionId,
    userId,
    title: titleOf(message),
    status: 'accepting',
    createdAt,
    updatedAt: createdAt,
  });
