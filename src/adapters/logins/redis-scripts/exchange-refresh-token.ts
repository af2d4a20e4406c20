import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'exchange-refresh-token');

/**
 * Writes the fields of the next token, if `hash` still belongs to the valid token. Returns false if it does not. One
 * round trip.
 * @param exchange.ttlMs how long the family lasts from now on
 */
export async function exchangeRefreshToken(
  redis: Redis,
  key: string,
  { hash, ttlMs, next }: { hash: string; ttlMs: number; next: Record<string, string | number> },
): Promise<boolean> {
  return (await script(redis, [key], [hash, ttlMs, ...Object.entries(next).flat()])) === 1;
}
