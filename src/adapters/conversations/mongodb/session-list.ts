import type { Session } from '../../../contracts/conversation.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import type { Seals } from '../../../contracts/sealing.ts';
import type { Redis } from '../../redis/redis.ts';
import type { SessionListPage, SessionListQuery } from '../conversation-store.ts';
import { readSessionHead } from '../redis-scripts/read-session-head.ts';
import { hasInTitle, SEARCHED_FOR_A_PAGE } from '../session-list.ts';
import { type Conversations, type SessionDocument, sessionDocumentIdOf, sessionOf } from './documents.ts';
import { afterCursor, cursorOf, mergeNewestFirst, type Placed, readNewestFirst } from './newest-first.ts';

/** Most sessions of a user whose newest question is open. */
const MOST_LIVE = 1_000;

/**
 * Returns a page of a user's visible sessions, the one with the newest question first. Redis has those whose newest
 * question is open, MongoDB the others. One round trip to Redis, and one to MongoDB for each 25 sessions; one more to
 * Redis if questions are open. A search reads at most 1,000 sessions for a page.
 */
export async function readSessionList(
  { redis, seals, conversations }: { redis: Redis; seals: Seals; conversations: Conversations },
  userId: string,
  { limit, cursor, search }: SessionListQuery,
): Promise<SessionListPage> {
  const all = await readLiveSessions({ redis, seals }, userId);
  const isLive = new Set(all.map(({ id }) => id));
  const live = afterCursor(all, cursor);
  const lasting = readNewestFirst<SessionDocument>(conversations, {
    ...{ userId, kind: 'session', cursor, askedAfter: Number.MIN_SAFE_INTEGER },
  });
  const sessions: Session[] = [];
  let last: Placed<Session> | undefined;
  let read = 0;
  for await (const placed of mergeNewestFirst(live, without(lasting, isLive), (document) =>
    sessionOf(seals, document),
  )) {
    if (last && (sessions.length === limit || read === SEARCHED_FOR_A_PAGE))
      return { sessions, nextCursor: cursorOf(last) };
    if (search === undefined || hasInTitle(placed.value, search)) sessions.push(placed.value);
    last = placed;
    read++;
  }
  return { sessions, nextCursor: null };
}

/** A session with an open question stands in MongoDB at an older place, if at all. */
async function* without<D>(lasting: AsyncIterable<Placed<D>>, ids: ReadonlySet<string>): AsyncGenerator<Placed<D>> {
  for await (const placed of lasting) if (!ids.has(placed.id)) yield placed;
}

async function readLiveSessions(
  { redis, seals }: { redis: Redis; seals: Seals },
  userId: string,
): Promise<Placed<Session>[]> {
  const key = redisKeys.sessions(userId);
  const found = await redis.zrange(key, '0', String(MOST_LIVE - 1), 'REV', 'WITHSCORES');
  if (found.length === 0) return [];
  const entries = Array.from({ length: found.length / 2 }, (_, i) => ({
    sessionId: found[2 * i]!,
    at: Number(found[2 * i + 1]),
  }));
  // These commands are sent together: one round trip.
  const heads = await Promise.all(
    entries.map(({ sessionId }) => readSessionHead({ redis, seals }, { sessionId, userId })),
  );
  const gone = entries.filter((_, index) => heads[index] === 'gone');
  if (gone.length > 0) await redis.zrem(key, ...gone.map(({ sessionId }) => sessionId));
  return entries.flatMap(({ sessionId, at }, index) => {
    const head = heads[index]!;
    return typeof head === 'string' ? [] : [{ value: head, at, id: sessionDocumentIdOf(sessionId) }];
  });
}
