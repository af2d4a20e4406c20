import { PROCESSES_KEY } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'beat');

/** Writes down that a process is alive. One round trip. */
export async function beat(redis: Redis, id: string, json: string, forgetMs: number): Promise<void> {
  await script(redis, [PROCESSES_KEY], [id, json, forgetMs]);
}
