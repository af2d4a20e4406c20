import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { LoginTriesRules } from '../login-tries.ts';

const script = defineScript(import.meta.dirname, 'begin-login-try');

/** Counts a try to log in, unless it must wait. Returns how long, in ms; 0 if it is counted. One round trip. */
export async function beginLoginTry(
  redis: Redis,
  key: string,
  { free, firstWaitMs, longestWaitMs, keepMs }: LoginTriesRules,
): Promise<number> {
  return (await script(redis, [key], [free, firstWaitMs, longestWaitMs, keepMs])) as number;
}
