import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';

const script = defineScript(import.meta.dirname, 'forget-places');

/** Forgets the places of users in line, if nobody waits. One round trip. @returns how many */
export const forgetPlaces = async (redis: Redis, toKey: ToKey): Promise<number> =>
  (await script(redis, [toKey('prioritized'), toKey('next-tags')], [])) as number;
