import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';

const script = defineScript(import.meta.dirname, 'add-history-member');

/** Adds a turn to its user's history, which keeps it for `retentionMs`. One round trip. */
export async function addHistoryMember(
  redis: Redis,
  userId: string,
  { member, createdAt }: { member: string; createdAt: number },
  retentionMs: number,
): Promise<void> {
  await script(redis, [redisKeys.history(userId)], [createdAt, member, Date.now() - retentionMs, retentionMs]);
}
