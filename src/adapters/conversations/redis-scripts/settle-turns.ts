import type { ChatResponse } from '../../../contracts/chat-response.ts';
import { redisKeys, SETTLED_CHANNEL } from '../../../contracts/redis-keys.ts';
import type { Seals } from '../../../contracts/sealing.ts';
import { channelOf } from '../../redis/channels.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { SettleOutcome } from '../conversation-store.ts';
import { sealAnswer } from '../sealed-texts.ts';
import { NOTHING_LEFT } from '../tombstone.ts';

const script = defineScript(import.meta.dirname, 'settle-turns', { NOTHING_LEFT });

/** Writes answers down. The commands are sent together: one round trip. */
export async function settleTurns(
  { redis, seals }: { redis: Redis; seals: Seals },
  responses: readonly ChatResponse[],
  { retentionMs, replica }: { retentionMs: number; replica: string },
): Promise<SettleOutcome[]> {
  const channel = channelOf(redis, SETTLED_CHANNEL);
  return await Promise.all(
    responses.map(async (response) => {
      // The cache key has a field of its own, so that an erasure finds it without reading answers.
      const { answerKey, ...shown } = response;
      const { sessionId, requestId, userId, status, completedAt, partialUsage } = shown;
      const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId), redisKeys.erased(sessionId)];
      const answer = [requestId, userId, status, JSON.stringify(sealAnswer(seals, shown)), completedAt];
      const notice = `${replica} ${requestId}`;
      const tokens = partialUsage ? JSON.stringify(partialUsage) : '';
      const args = [...answer, retentionMs, answerKey ?? '', channel, notice, tokens];
      return (await script(redis, keys, args)) as SettleOutcome;
    }),
  );
}
