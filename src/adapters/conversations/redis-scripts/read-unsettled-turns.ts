import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { UnsettledTurn } from '../conversation-store.ts';
import { readQuestion } from '../stored-turn.ts';

const script = defineScript(import.meta.dirname, 'read-unsettled-turns');

/** Returns the turns of a user's session that have not ended, including turns that are not visible. One round trip. */
export async function readUnsettledTurns(
  redis: Redis,
  sessionId: string,
  userId: string,
): Promise<UnsettledTurn[] | undefined> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId)];
  const found = (await script(redis, keys, [userId])) as [string, string][] | null;
  return found?.map(([requestId, question]) => {
    const { createdAt, stream = false } = readQuestion(question);
    return { requestId, createdAt, stream };
  });
}
