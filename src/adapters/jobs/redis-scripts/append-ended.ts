import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';

const script = defineScript(import.meta.dirname, 'append-ended');

/** The script fills each element of the log up to this many lines. */
const LINES_PER_ELEMENT = 50;

/**
 * Appends lines to the log of ended jobs. One round trip.
 * @param lines each with the line break at its end
 * @param limits.kept about how many lines stay: up to twice as many
 * @param limits.ageMs lines that are older may be removed
 */
export async function appendEnded(
  redis: Redis,
  toKey: ToKey,
  state: 'completed' | 'failed',
  lines: readonly string[],
  { kept, ageMs }: { kept: number; ageMs: number },
): Promise<void> {
  const args: (string | number)[] = [Math.ceil(kept / LINES_PER_ELEMENT) + 1, ageMs, Date.now() - ageMs];
  for (let first = 0; first < lines.length; first += LINES_PER_ELEMENT) {
    args.push(lines.slice(first, first + LINES_PER_ELEMENT).join(''));
  }
  await script(redis, [toKey(`${state}-log`)], args);
}
