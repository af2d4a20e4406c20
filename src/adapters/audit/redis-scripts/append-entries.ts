import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { Head, StoredEntry } from '../audit-store.ts';

const script = defineScript(import.meta.dirname, 'append-entries');

/**
 * Adds entries to the trail, if `after` is its last entry. One round trip.
 * @returns whether they were added, and which entry was the last before
 */
export async function appendEntries(
  redis: Redis,
  trail: string,
  after: Head,
  entries: readonly StoredEntry[],
): Promise<{ added: boolean; last: Head }> {
  const args = [after.number, after.hash, ...entries.flatMap(({ hash, text }) => [hash, text])];
  const [added, number, hash] = (await script(redis, [trail], args)) as [number, string, string];
  return { added: added === 1, last: { number: Number(number), hash } };
}
