import type { Redis } from 'ioredis';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { UnreadableCursor } from './conversation-store.ts';
import { addHistoryMember } from './redis-scripts/add-history-member.ts';

/** The entry of a turn in its user's history. */
export interface HistoryEntry {
  sessionId: string;
  requestId: string;
  /** ms */
  createdAt: number;
}

/**
 * A user's history is a sorted set. The score is the time when a turn was asked. A member is a JSON list of sessionId
 * and requestId, because an id may contain any character. Some members may name turns that are gone or not visible.
 * Readers skip them. A turn that is added again keeps its place.
 */
export async function addToHistory(
  redis: Redis,
  userId: string,
  entry: HistoryEntry,
  retentionMs: number,
): Promise<void> {
  await addHistoryMember(redis, userId, { member: memberOf(entry), createdAt: entry.createdAt }, retentionMs);
}

export async function removeFromHistory(
  redis: Redis,
  userId: string,
  sessionId: string,
  requestIds: readonly string[],
): Promise<void> {
  if (requestIds.length === 0) return;
  const members = requestIds.map((requestId) => memberOf({ sessionId, requestId }));
  await redis.zrem(redisKeys.history(userId), ...members);
}

const FOUND_TOGETHER = 1_000;

/**
 * Returns the session in which the user asked a request; undefined if the user did not ask it. Looks at the newest
 * turns first. One round trip for each thousand turns.
 */
export async function findInHistory(redis: Redis, userId: string, requestId: string): Promise<string | undefined> {
  for (let skipped = 0; ; skipped += FOUND_TOGETHER) {
    const members = await redis.zrevrange(redisKeys.history(userId), skipped, skipped + FOUND_TOGETHER - 1);
    for (const member of members) {
      const [sessionId, found] = JSON.parse(member) as [string, string];
      if (found === requestId) return sessionId;
    }
    if (members.length < FOUND_TOGETHER) return undefined;
  }
}

/**
 * Returns at most `count` entries after the cursor, newest first, each with the cursor that continues after it. One
 * round trip; two with a cursor.
 * @throws UnreadableCursor
 */
export async function readHistory(
  redis: Redis,
  userId: string,
  page: { cursor: string | undefined; count: number },
): Promise<(HistoryEntry & { cursor: string })[]> {
  const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor);
  const key = redisKeys.history(userId);
  // Entries of the same millisecond are ordered by member. The entries of the cursor's millisecond are read again, and
  // those up to the cursor are skipped.
  const ties = after ? await redis.zcount(key, after.createdAt, after.createdAt) : 0;
  const max = after ? after.createdAt : '+inf';
  const found = await redis.zrange(key, max, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, page.count + ties, 'WITHSCORES');
  const entries: (HistoryEntry & { cursor: string })[] = [];
  for (let i = 0; i < found.length && entries.length < page.count; i += 2) {
    const member = found[i]!;
    const createdAt = Number(found[i + 1]);
    if (after && createdAt === after.createdAt && Buffer.compare(Buffer.from(member), Buffer.from(after.member)) >= 0)
      continue;
    const [sessionId, requestId] = JSON.parse(member) as [string, string];
    entries.push({ sessionId, requestId, createdAt, cursor: encodeCursor(createdAt, member) });
  }
  return entries;
}

const memberOf = ({ sessionId, requestId }: { sessionId: string; requestId: string }) =>
  JSON.stringify([sessionId, requestId]);

const encodeCursor = (createdAt: number, member: string) =>
  Buffer.from(JSON.stringify([createdAt, member])).toString('base64url');

/**
 * Reads the entry after which a page of the history begins.
 * @throws UnreadableCursor
 */
export function decodeCursor(cursor: string): { createdAt: number; member: string } {
  try {
    const [createdAt, member] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (Number.isSafeInteger(createdAt) && typeof member === 'string')
      return { createdAt: createdAt as number, member };
  } catch {
    // It is not JSON, or not a list.
  }
  throw new UnreadableCursor();
}
