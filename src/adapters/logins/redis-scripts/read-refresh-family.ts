import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'read-refresh-family');

const FIELDS = [
  'userId',
  'hash',
  'secret',
  'generation',
  'rotations',
  'issuedAt',
  'startedAt',
  'endsAt',
  'client',
] as const;

/** The fields of a family as Redis has them; null for a missing field. */
export type RawFamily = Record<(typeof FIELDS)[number], string | null>;

/** Reads a family, and the server's time in ms. One round trip. */
export async function readRefreshFamily(redis: Redis, key: string): Promise<{ nowMs: number; fields: RawFamily }> {
  const [nowMs, values] = (await script(redis, [key], FIELDS)) as [number, (string | null)[]];
  return { nowMs, fields: Object.fromEntries(FIELDS.map((field, i) => [field, values[i] ?? null])) as RawFamily };
}
