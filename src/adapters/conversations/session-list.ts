import type { Session } from '../../contracts/conversation.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { Seals } from '../../contracts/sealing.ts';
import type { Redis } from '../redis/redis.ts';
import type { SessionListPage, SessionListQuery } from './conversation-store.ts';
import { readNewestFirst } from './newest-first.ts';
import { makeSessionList } from './redis-scripts/make-session-list.ts';
import { readSessionHead } from './redis-scripts/read-session-head.ts';

/** How many sessions a search reads in one round trip, and at most for one page. */
const SEARCHED_TOGETHER = 100;
export const SEARCHED_FOR_A_PAGE = 1_000;
/** How many pages of the list are read for one page of sessions, if most of its sessions are gone. */
const PAGES_TRIED = 5;

/**
 * Returns a page of a user's visible sessions, the one with the newest question first. Two round trips, and one more with a
 * cursor. A search takes as many again for each 100 sessions, and ends a page after 1,000.
 */
export async function readSessionList(
  { redis, seals }: { redis: Redis; seals: Seals },
  userId: string,
  { limit, cursor, search }: SessionListQuery,
): Promise<SessionListPage> {
  const key = redisKeys.sessions(userId);
  const together = search === undefined ? limit : SEARCHED_TOGETHER;
  const most = search === undefined ? limit * PAGES_TRIED : SEARCHED_FOR_A_PAGE;
  const page: Session[] = [];
  let next = cursor;
  for (let read = 0; read < most; read += together) {
    // These commands are sent together: one round trip.
    const made = next === undefined && makeSessionList(redis, userId);
    const [entries] = await Promise.all([readNewestFirst(redis, key, { cursor: next, count: together }), made]);
    const heads = await Promise.all(
      entries.map(({ member }) => readSessionHead({ redis, seals }, { sessionId: member, userId })),
    );
    const gone = entries.filter((_, index) => heads[index] === 'gone').map(({ member }) => member);
    if (gone.length > 0) await redis.zrem(key, ...gone);
    for (const [index, entry] of entries.entries()) {
      const head = heads[index]!;
      if (typeof head !== 'string' && (search === undefined || hasInTitle(head, search))) page.push(head);
      next = entry.cursor;
      if (page.length === limit) return { sessions: page, nextCursor: next };
    }
    if (entries.length < together) return { sessions: page, nextCursor: null };
  }
  return { sessions: page, nextCursor: next ?? null };
}

export async function removeFromSessionList(redis: Redis, userId: string, sessionId: string): Promise<void> {
  await redis.zrem(redisKeys.sessions(userId), sessionId);
}

/** Capital letters, and different ways to write the same character, do not matter. */
export const hasInTitle = ({ title }: Session, search: string) => comparable(title ?? '').includes(comparable(search));

const comparable = (text: string) => text.normalize('NFKC').toLowerCase();
