import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'record-depths');

/** Keeps a sample, unless there is one for the same step of time. One round trip. @returns whether it was kept */
export async function recordDepths(
  redis: Redis,
  key: string,
  sample: string,
  { stepMs, kept }: { stepMs: number; kept: number },
): Promise<boolean> {
  return (await script(redis, [key], [stepMs, kept, sample])) === 1;
}
