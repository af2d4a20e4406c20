import { inBatches } from '../../batching/in-batches.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { Turn, TurnAddress } from '../../contracts/conversation.ts';
import { limits } from '../../contracts/limits.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { SafeWrites } from '../redis/safe-writes.ts';
import {
  type BeginOutcome,
  type ConversationStore,
  type NewTurn,
  type Remains,
  type SettleOutcome,
  UnreadableCursor,
} from './conversation-store.ts';
import { addErasure, closeErasure, readErasures } from './erasures.ts';
import { addToHistory, findInHistory, removeFromHistory } from './history-index.ts';
import { readHistoryPage } from './history-page.ts';
import { countKept, leaveLists, readSomeSessions } from './kept-of-user.ts';
import { decodeCursor } from './newest-first.ts';
import { addOpenTurn, closeTurns, postponeTurns, readOverdueTurns } from './open-turns.ts';
import { readKept } from './read-kept.ts';
import { removeFromFeedback } from './redis-feedback-store.ts';
import { beginTurn } from './redis-scripts/begin-turn.ts';
import { confirmTurn } from './redis-scripts/confirm-turn.ts';
import { discardTurn } from './redis-scripts/discard-turn.ts';
import { eraseSession } from './redis-scripts/erase-session.ts';
import { markErased } from './redis-scripts/mark-erased.ts';
import { readSession } from './redis-scripts/read-session.ts';
import { readUnsettledTurns } from './redis-scripts/read-unsettled-turns.ts';
import { renameSession } from './redis-scripts/rename-session.ts';
import { settleTurns } from './redis-scripts/settle-turns.ts';
import { readSessionList, removeFromSessionList } from './session-list.ts';
import { pageOf, readPageCursor } from './session-page.ts';
import { readTurns } from './stored-turn.ts';

/** How long a new session is kept if its first turn is never confirmed. An answer may still come for it. */
export const UNCONFIRMED_MS = 3_600_000;
/** After this time, every replica that counts has an end, also if clocks differ somewhat; or its message was handled again. */
const JUST_ENDED_MS = 60_000;
const CONFIRM_WITHIN_MS = 10;
const CONFIRMED_TOGETHER = 100;

/**
 * Conversations in Redis. A session is a JSON string and a hash of its turns. Both are in one slot of a cluster, so one
 * script changes them together. Each user's history, the open turns and the unfinished erasures are sorted sets in
 * other slots. Their entries may outlive a session, so readers look at the session as well.
 * @param options.safeWrites makes the writes that somebody relies on once they are made: a question is published, an answer is
 * acknowledged, an erasure is confirmed. Left out: they count as made once Redis has them
 * @param options.retentionMs how long a session is kept after its last change
 * @param options.replica names this process in the notices of settled turns; must not contain a space
 */
export function createRedisConversationStore(options: {
  redis: Redis;
  safeWrites?: SafeWrites | undefined;
  seals: TextSeals;
  retentionMs: number;
  replica: string;
}): ConversationStore {
  const { redis, safeWrites, seals, retentionMs, replica } = options;
  const safeRedis = safeWrites?.redis ?? redis;
  const safely = <T>(write: () => Promise<T>) => orStoreUnavailable(safeWrites ? safeWrites.make(write) : write());

  /**
   * A primary may have been replaced without knowing it, and `redis` may still be connected to it. Then what it has not may be there,
   * and what it has may be lost. So who finds nothing, or an end that replicas may not have yet, reads again where it is certain that
   * they follow.
   */
  const find = async <T>(
    read: (from: Redis) => Promise<T | undefined>,
    turnsOf: (found: T) => readonly Turn[] = () => [],
  ): Promise<T | undefined> => {
    const found = await orStoreUnavailable(read(redis));
    if (!safeWrites || (found !== undefined && !turnsOf(found).some(hasJustEnded))) return found;
    return await safely(() => read(safeRedis));
  };

  /** What reads a user's texts. */
  const opening = async (userId: string, from = redis) => ({ redis: from, seals: await seals.forOpening([userId]) });

  async function begin(turn: NewTurn, newSession: boolean): Promise<BeginOutcome> {
    const { sessionId, requestId, userId, dueInMs } = turn;
    const sealing = { redis: safeRedis, seals: await seals.forSealing([userId]) };
    // These commands are sent together: one round trip.
    const [outcome, listed] = await Promise.all([
      beginTurn(sealing, turn, { newSession, ttlMs: UNCONFIRMED_MS }),
      addToHistory(safeRedis, userId, { sessionId, requestId, createdAt: Date.parse(turn.createdAt) }, retentionMs),
      addOpenTurn(safeRedis, turn, dueInMs),
    ]);
    if (!listed) {
      if (outcome === 'begun') await erase(sessionId, userId);
      await closeTurns(redis, [turn]);
      return 'user_erased';
    }
    if (outcome !== 'begun') {
      await Promise.all([removeFromHistory(redis, userId, sessionId, [requestId]), closeTurns(redis, [turn])]);
    }
    return outcome;
  }

  const confirm = (sessionId: string, requestId: string) => confirmTurn(redis, sessionId, requestId, retentionMs);
  // These commands are sent together: one round trip.
  const confirmTogether = inBatches(
    (turns: [string, string][]) => Promise.all(turns.map(([sessionId, requestId]) => confirm(sessionId, requestId))),
    { maxItems: CONFIRMED_TOGETHER, gatherMs: () => CONFIRM_WITHIN_MS },
  );

  async function settle(responses: readonly ChatResponse[]): Promise<SettleOutcome[]> {
    const own = await seals.forSealing(responses.map(({ userId }) => userId));
    const [outcomes] = await Promise.all([
      settleTurns({ redis: safeRedis, seals: own }, responses, { retentionMs, replica }),
      closeTurns(safeRedis, responses),
    ]);
    // This is noted before the answers are acknowledged, so that another process continues if this one dies.
    const late = responses.filter((_, index) => outcomes[index] === 'erased');
    await Promise.all(late.map(({ sessionId, userId }) => addErasure(safeRedis, { sessionId, userId })));
    return outcomes;
  }

  async function discard({ sessionId, requestId, userId }: TurnAddress): Promise<void> {
    await discardTurn(redis, sessionId, requestId);
    await removeFromHistory(redis, userId, sessionId, [requestId]);
    await closeTurns(redis, [{ sessionId, requestId, userId }]);
  }

  async function erase(sessionId: string, userId: string): Promise<Remains | undefined> {
    // This is noted first, so that another process continues if this one dies half way.
    await addErasure(safeRedis, { sessionId, userId });
    const remains = await eraseSession(safeRedis, sessionId, userId);
    if (!remains) {
      await closeErasure(redis, { sessionId, userId });
      return undefined;
    }
    const turns = remains.requestIds.map((requestId) => ({ sessionId, requestId, userId }));
    await Promise.all([
      removeFromHistory(redis, userId, sessionId, remains.requestIds),
      removeFromSessionList(redis, userId, sessionId),
      removeFromFeedback(redis, turns),
      closeTurns(redis, turns),
    ]);
    return remains;
  }

  async function eraseSome(userId: string) {
    const some = await readSomeSessions(redis, userId);
    if (some.sessionIds.length === 0) return undefined;
    const erased = await Promise.all(
      some.sessionIds.map(async (sessionId) => ({ sessionId, remains: await erase(sessionId, userId) })),
    );
    // Some may have been gone before.
    await some.remove();
    return erased.flatMap(({ sessionId, remains }) => (remains ? [{ sessionId, remains }] : []));
  }

  async function finishErasure(sessionId: string, userId: string, remains: Remains): Promise<void> {
    if (await markErased(redis, sessionId, remains)) await closeErasure(redis, { sessionId, userId });
  }

  return {
    begin: (turn, { newSession }) => safely(() => begin(turn, newSession)),
    confirm: (sessionId, requestId, { hurry }) =>
      orStoreUnavailable(hurry ? confirm(sessionId, requestId) : confirmTogether([sessionId, requestId])),
    discard: (turn) => orStoreUnavailable(discard(turn)),
    settle: (responses) => safely(() => settle(responses)),

    session: async (sessionId, userId, { limit, cursor, maxBytes = limits.pageBytes }) => {
      const before = readPageCursor(cursor);
      const own = await seals.forOpening([userId]);
      const read = async (from: Redis) => {
        const stored = await readSession(from, { sessionId, userId }, { before, limit, maxBytes });
        return stored === 'no_such_page' ? stored : stored && pageOf(own, { sessionId, userId }, stored);
      };
      const page = await find(read, (found) => (found === 'no_such_page' ? [] : [...found.turns, found.latest]));
      if (page === 'no_such_page') throw new UnreadableCursor();
      return page;
    },
    sessions: async (userId, page) => {
      if (page.cursor !== undefined) decodeCursor(page.cursor);
      return await orStoreUnavailable(readSessionList(await opening(userId), userId, page));
    },
    rename: async (sessionId, userId, title) => {
      const own = { redis, seals: await seals.forSealing([userId]) };
      return await orStoreUnavailable(renameSession(own, { sessionId, userId }, title));
    },
    turn: (turn) =>
      find(
        async (from) => (await readTurns(await opening(turn.userId, from), turn.userId, [turn]))[0],
        (found) => [found],
      ),
    unsettled: (sessionId, userId) => safely(() => readUnsettledTurns(safeRedis, sessionId, userId)),
    sessionOf: (requestId, userId) => find((from) => findInHistory(from, userId, requestId)),
    history: async (userId, { limit, cursor }) => {
      if (cursor !== undefined) decodeCursor(cursor);
      const read = async (from: Redis) => readHistoryPage(await opening(userId, from), userId, { limit, cursor });
      return (await find(read, ({ turns }) => turns))!;
    },

    erase: (sessionId, userId) => safely(() => erase(sessionId, userId)),
    markErased: (sessionId, userId, remains) => orStoreUnavailable(finishErasure(sessionId, userId, remains)),
    unfinishedErasures: (before, count) => orStoreUnavailable(readErasures(redis, before, count)),

    refuse: (userId) => safely(async () => void (await safeRedis.set(redisKeys.erasedUser(userId), '1'))),
    isRefused: async (userId) => (await orStoreUnavailable(redis.exists(redisKeys.erasedUser(userId)))) === 1,
    eraseSome: (userId) => safely(() => eraseSome(userId)),
    leaveLists: (of) => orStoreUnavailable(leaveLists(redis, of)),
    countKept: (of) => orStoreUnavailable(countKept(redis, of)),
    kept: (userId) => readKept({ redis, seals }, userId),

    overdue: (forMs, count) => orStoreUnavailable(readOverdueTurns(redis, forMs, count)),
    postpone: (turns, dueInMs) => orStoreUnavailable(postponeTurns(redis, turns, dueInMs)),
    close: (turns) => orStoreUnavailable(closeTurns(redis, turns)),
  };
}

const hasJustEnded = ({ answer }: Turn) =>
  answer !== null && Date.now() - Date.parse(answer.completedAt) < JUST_ENDED_MS;
