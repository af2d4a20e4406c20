import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';
import { FINISHED_DATA } from './finished-data.ts';

const script = defineScript(import.meta.dirname, 'remove-texts', { FINISHED_DATA });

/** Removes question, context and answer of at most 1,000 completed jobs. Times and attempts stay. One round trip. */
export async function removeTexts(redis: Redis, toKey: ToKey, jobIds: readonly string[]): Promise<void> {
  await script(redis, [toKey('completed')], [toKey(''), ...jobIds]);
}
