import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'renew-claim');

/** Renews the lease of a claim, if the request still has it. One round trip. */
export async function renewClaim(redis: Redis, hash: string, requestId: string, leaseMs: number): Promise<void> {
  await script(redis, [redisKeys.answer(hash)], [requestId, leaseMs]);
}
