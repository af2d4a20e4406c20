import type { TurnAddress } from '../../contracts/conversation.ts';
import { ERASURES_KEY, FEEDBACK_KEY, OPEN_TURNS_KEY, redisKeys } from '../../contracts/redis-keys.ts';
import type { Redis } from '../redis/redis.ts';
import type { KeptCounts, KeptOf } from './conversation-store.ts';
import { addressOf } from './turn-member.ts';

const READ_TOGETHER = 1_000;
const ERASED_TOGETHER = 100;

/**
 * Returns the ids of some sessions of a user, the oldest first; none: there are no more. `remove` takes them out of the user's
 * lists.
 */
export async function readSomeSessions(redis: Redis, userId: string) {
  const [history, list] = [redisKeys.history(userId), redisKeys.sessions(userId)];
  const members = await redis.zrange(history, '0', String(ERASED_TOGETHER - 1));
  const listed = await redis.zrange(list, '0', String(ERASED_TOGETHER - 1));
  const sessionIds = [...new Set([...members.map(sessionIdIn), ...listed])];
  return {
    sessionIds,
    remove: async () => {
      if (members.length > 0) await redis.zrem(history, ...members);
      if (sessionIds.length > 0) await redis.zrem(list, ...sessionIds);
    },
  };
}

/** Counts what Redis keeps. One round trip for each thousand entries of the lists of all users. */
export async function countKept(redis: Redis, of: KeptOf): Promise<KeptCounts> {
  const [own, feedback, openTurns, unfinished] = await Promise.all([
    of.sessionId === undefined ? countOwn(redis, of.userId) : countSession(redis, of.userId, of.sessionId),
    membersOf(redis, FEEDBACK_KEY, of),
    membersOf(redis, OPEN_TURNS_KEY, of),
    erasuresOf(redis, of),
  ]);
  return {
    ...own,
    feedback: feedback.length,
    openTurns: openTurns.length,
    unfinishedErasures: unfinished.length,
  };
}

/** Removes the entries of a user, or of a session, from the lists of all users. */
export async function leaveLists(redis: Redis, of: KeptOf): Promise<void> {
  for (const key of [FEEDBACK_KEY, OPEN_TURNS_KEY]) {
    const members = await membersOf(redis, key, of);
    if (members.length > 0) await redis.zrem(key, ...members);
  }
}

async function countOwn(redis: Redis, userId: string) {
  const { sessionIds, turns } = await readLists(redis, userId);
  return { conversations: sessionIds.size, turns };
}

/** Returns the ids of all sessions in a user's lists, and the number of turns there. */
export async function readLists(redis: Redis, userId: string): Promise<{ sessionIds: Set<string>; turns: number }> {
  const sessionIds = new Set<string>();
  let turns = 0;
  for await (const members of chunksOf(redis, redisKeys.history(userId))) {
    turns += members.length;
    for (const member of members) sessionIds.add(sessionIdIn(member));
  }
  for await (const listed of chunksOf(redis, redisKeys.sessions(userId))) for (const id of listed) sessionIds.add(id);
  return { sessionIds, turns };
}

async function countSession(redis: Redis, userId: string, sessionId: string) {
  const text = await redis.get(redisKeys.session(sessionId));
  if (text === null || (JSON.parse(text) as { userId: string }).userId !== userId) {
    return { conversations: 0, turns: 0 };
  }
  const fields = await redis.hkeys(redisKeys.turns(sessionId));
  return { conversations: 1, turns: fields.filter((field) => field.endsWith(':q')).length };
}

/** Returns those members of a list of all users' turns that are meant. */
export async function membersOf(redis: Redis, key: string, of: KeptOf): Promise<string[]> {
  const found: string[] = [];
  for await (const members of chunksOf(redis, key)) {
    for (const member of members) if (isOf(addressOf(member), of)) found.push(member);
  }
  return found;
}

/** Returns the ids of the sessions that are being erased. */
export async function erasuresOf(redis: Redis, of: KeptOf): Promise<string[]> {
  const found: string[] = [];
  for await (const members of chunksOf(redis, ERASURES_KEY)) {
    for (const member of members) {
      const [sessionId, userId] = JSON.parse(member) as [string, string];
      if (isOf({ sessionId, userId }, of)) found.push(sessionId);
    }
  }
  return found;
}

const isOf = (entry: Pick<TurnAddress, 'sessionId' | 'userId'>, { userId, sessionId }: KeptOf) =>
  entry.userId === userId && (sessionId === undefined || entry.sessionId === sessionId);

/** A member of a history is a JSON list of sessionId and requestId. */
const sessionIdIn = (member: string) => (JSON.parse(member) as [string, string])[0];

async function* chunksOf(redis: Redis, key: string): AsyncGenerator<string[]> {
  for (let first = 0; ; first += READ_TOGETHER) {
    const members = await redis.zrange(key, String(first), String(first + READ_TOGETHER - 1));
    yield members;
    if (members.length < READ_TOGETHER) return;
  }
}
