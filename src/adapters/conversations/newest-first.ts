import type { Redis } from '../redis/redis.ts';
import { UnreadableCursor } from './conversation-store.ts';

/** A member of a sorted set whose scores are times in ms. */
export interface Entry {
  member: string;
  at: number;
  /** Continues after this entry. */
  cursor: string;
}

/**
 * Returns at most `count` members after the cursor, newest first. One round trip; two with a cursor.
 * @throws UnreadableCursor
 */
export async function readNewestFirst(
  redis: Redis,
  key: string,
  page: { cursor: string | undefined; count: number },
): Promise<Entry[]> {
  const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor);
  // Entries of the same millisecond are ordered by member. The entries of the cursor's millisecond are read again, and
  // those up to the cursor are skipped.
  const ties = after ? await redis.zcount(key, after.at, after.at) : 0;
  const max = after ? after.at : '+inf';
  const found = await redis.zrange(key, max, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, page.count + ties, 'WITHSCORES');
  const entries: Entry[] = [];
  for (let i = 0; i < found.length && entries.length < page.count; i += 2) {
    const member = found[i]!;
    const at = Number(found[i + 1]);
    if (after && at === after.at && Buffer.compare(Buffer.from(member), Buffer.from(after.member)) >= 0) continue;
    entries.push({ member, at, cursor: encodeCursor(at, member) });
  }
  return entries;
}

export const encodeCursor = (at: number, member: string) =>
  Buffer.from(JSON.stringify([at, member])).toString('base64url');

/**
 * Reads the entry after which a page begins.
 * @throws UnreadableCursor
 */
export function decodeCursor(cursor: string): { at: number; member: string } {
  try {
    const [at, member] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (Number.isSafeInteger(at) && typeof member === 'string') return { at: at as number, member };
  } catch {
    // It is not JSON, or not a list.
  }
  throw new UnreadableCursor();
}
