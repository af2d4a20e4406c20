import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { AWAITING_MODEL_FIELD, awaitingModelOf, keysOf, type ToKey } from './bullmq-layout.ts';
import { lineConstants } from './line.ts';

const script = defineScript(import.meta.dirname, 'return-awaiting-model', { ...lineConstants, AWAITING_MODEL_FIELD });

/** How many delayed jobs one script looks at. Redis does nothing else while a script runs. */
const MOST_LOOKS = 500;

/**
 * Puts some of the jobs that wait for a model back in line. All workers share the pace. One round trip.
 * @param options.models those that may be asked; '': the standard model
 * @param options.after where to go on, from an earlier call. Left out: at the first delayed job
 * @param options.most how many jobs are put back
 * @param options.turnMs how long further calls of all workers do nothing, if jobs were put back
 * @returns undefined: another worker has just put jobs back; else `next`, where to go on. Without it, there are no more
 */
export async function returnAwaitingModel(
  redis: Redis,
  toKey: ToKey,
  options: { models: readonly string[]; after?: string | undefined; most: number; turnMs: number },
): Promise<{ next: string | undefined; returned: number } | undefined> {
  const { models, after = '-inf', most, turnMs } = options;
  const keys = keysOf(toKey, 'delayed', 'prioritized', 'next-tags', 'marker', 'meta', 'awaiting-model-turn');
  const args = [toKey(''), after, MOST_LOOKS, most, turnMs, ...models.map(awaitingModelOf)];
  const result = (await script(redis, keys, args)) as [string, number] | null;
  if (!result) return undefined;
  const [last, returned] = result;
  return { next: last || undefined, returned };
}
