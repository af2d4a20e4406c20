import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'read-refresh-family');

/** The fields of a family as Redis has them; null for a missing field. */
type RawFields = Record<'userId' | 'hash' | 'secret' | 'generation' | 'rotations' | 'issuedAt', string | null>;

/** Reads a family, and the server's time in ms. One round trip. */
export async function readRefreshFamily(redis: Redis, key: string): Promise<{ nowMs: number; fields: RawFields }> {
  const [nowMs, values] = (await script(redis, [key], [])) as [number, (string | null)[]];
  const [userId = null, hash = null, secret = null, generation = null, rotations = null, issuedAt = null] = values;
  return { nowMs, fields: { userId, hash, secret, generation, rotations, issuedAt } };
}
