import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { finishedConstants, finishedDigest } from './finished-requests.ts';

const script = defineScript(import.meta.dirname, 'remember-finished', finishedConstants);

/**
 * Remembers jobs as finished for at least a window, so that a message that comes again is recognised. One round trip.
 * @param jobIds at least one, at most 1,000
 */
export async function rememberFinished(
  redis: Redis,
  toKey: ToKey,
  jobIds: readonly string[],
  { windowMs }: { windowMs: number },
): Promise<void> {
  await script(redis, keysOf(toKey, 'finished'), [windowMs, ...jobIds.map(finishedDigest)]);
}
