import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { lineConstants } from './line.ts';

const script = defineScript(import.meta.dirname, 'hand-back-job', lineConstants);

/**
 * Puts a job in hand back into the line, at the front of its user's turn. This uses up no attempt. One round trip.
 * @returns 'moved'; 'lost' if another process has taken it or it has finished; 'gone' if it was removed
 */
export async function handBackJob(
  redis: Redis,
  toKey: ToKey,
  { id, attemptsStarted, user }: { id: string; attemptsStarted: number; user: string },
): Promise<'moved' | 'lost' | 'gone'> {
  const keys = keysOf(toKey, 'active', 'prioritized', 'next-tags', 'marker', 'meta', 'stalled');
  const code = (await script(redis, keys, [toKey(''), id, attemptsStarted, user])) as number;
  if (code === 0) return 'moved';
  return code === -1 ? 'gone' : 'lost';
}
