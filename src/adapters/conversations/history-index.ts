import { redisKeys } from '../../contracts/redis-keys.ts';
import type { Redis } from '../redis/redis.ts';
import { readNewestFirst } from './newest-first.ts';
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
 * Readers skip them. A turn that is added again keeps its place. The same script moves the session to the front of the
 * user's list of sessions.
 * @returns false: the user was erased, and nothing is added
 */
export async function addToHistory(
  redis: Redis,
  userId: string,
  entry: HistoryEntry,
  retentionMs: number,
): Promise<boolean> {
  const { sessionId, createdAt } = entry;
  return await addHistoryMember(redis, userId, { sessionId, member: memberOf(entry), createdAt }, retentionMs);
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
  const entries = await readNewestFirst(redis, redisKeys.history(userId), page);
  return entries.map(({ member, at, cursor }) => {
    const [sessionId, requestId] = JSON.parse(member) as [string, string];
    return { sessionId, requestId, createdAt: at, cursor };
  });
}

/** A turn as a member of its user's history. */
export const memberOf = ({ sessionId, requestId }: { sessionId: string; requestId: string }) =>
  JSON.stringify([sessionId, requestId]);
