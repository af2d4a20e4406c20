import type { Redis } from 'ioredis';
import { inBatches } from '../../batching/in-batches.ts';
import type { Turn } from '../../contracts/conversation.ts';
import { limits } from '../../contracts/limits.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import { type ConversationStore, type HistoryPage, UnreadableCursor } from './conversation-store.ts';
import { addErasure, closeErasure, readErasures } from './erasures.ts';
import { addToHistory, decodeCursor, findInHistory, readHistory, removeFromHistory } from './history-index.ts';
import { addOpenTurn, closeTurns, postponeTurns, readOverdueTurns } from './open-turns.ts';
import { beginTurn } from './redis-scripts/begin-turn.ts';
import { confirmTurn } from './redis-scripts/confirm-turn.ts';
import { discardTurn } from './redis-scripts/discard-turn.ts';
import { eraseSession } from './redis-scripts/erase-session.ts';
import { markErased } from './redis-scripts/mark-erased.ts';
import { readSession } from './redis-scripts/read-session.ts';
import { readUnsettledTurns } from './redis-scripts/read-unsettled-turns.ts';
import { settleTurns } from './redis-scripts/settle-turns.ts';
import { pageOf, readPageCursor } from './session-page.ts';
import { visibleTurn } from './stored-turn.ts';

/** A new session whose first turn is never confirmed is kept this long: an answer may come for it all the same. */
const UNCONFIRMED_MS = 3_600_000;
/** A page of history is looked for in at most this many pages of the index, should most of their turns be gone. */
const PAGES_TRIED = 5;
const CONFIRM_WITHIN_MS = 10;
const CONFIRMED_TOGETHER = 100;
/** So many of a user's turns are read in one round trip. */
const READ_TOGETHER = 25;

/**
 * Sessions and history in Redis. A session is a JSON string and a hash of its turns, in one slot of a cluster, each
 * change of them one script; a user's history is a sorted set beside them.
 * @param options.retentionMs how long a session is kept after its last change
 * @param options.replica what this process is called in the notices of settled turns; has no space
 */
export function createRedisConversationStore(options: {
  redis: Redis;
  retentionMs: number;
  replica: string;
}): ConversationStore {
  const { redis, retentionMs, replica } = options;
  const confirm = (sessionId: string, requestId: string) => confirmTurn(redis, sessionId, requestId, retentionMs);
  // They leave together: one round trip.
  const confirmTogether = inBatches(
    (turns: [string, string][]) => Promise.all(turns.map(([sessionId, requestId]) => confirm(sessionId, requestId))),
    { maxItems: CONFIRMED_TOGETHER, gatherMs: () => CONFIRM_WITHIN_MS },
  );

  return {
    begin: (turn, { newSession }) =>
      orStoreUnavailable(
        (async () => {
          const { sessionId, requestId, userId, dueInMs } = turn;
          // They leave together: one round trip.
          const [outcome] = await Promise.all([
            beginTurn(redis, turn, { newSession, ttlMs: UNCONFIRMED_MS }),
            addToHistory(redis, userId, { sessionId, requestId, createdAt: Date.parse(turn.createdAt) }, retentionMs),
            addOpenTurn(redis, turn, dueInMs),
          ]);
          if (outcome !== 'begun') {
            await Promise.all([removeFromHistory(redis, userId, sessionId, [requestId]), closeTurns(redis, [turn])]);
          }
          return outcome;
        })(),
      ),

    confirm: (sessionId, requestId, { hurry }) =>
      orStoreUnavailable(hurry ? confirm(sessionId, requestId) : confirmTogether([sessionId, requestId])),

    settle: (responses) =>
      orStoreUnavailable(
        (async () => {
          const [outcomes] = await Promise.all([
            settleTurns(redis, responses, { retentionMs, replica }),
            closeTurns(redis, responses),
          ]);
          // Noted before the answers are acknowledged, so that another process goes on if this one dies now.
          const late = responses.filter((_, index) => outcomes[index] === 'erased');
          await Promise.all(late.map(({ sessionId, userId }) => addErasure(redis, { sessionId, userId })));
          return outcomes;
        })(),
      ),

    session: async (sessionId, userId, { limit, cursor, maxBytes = limits.pageBytes }) => {
      const before = readPageCursor(cursor);
      const stored = await orStoreUnavailable(readSession(redis, { sessionId, userId }, { before, limit, maxBytes }));
      if (stored === 'no_such_page') throw new UnreadableCursor();
      return stored && pageOf(sessionId, stored);
    },

    turn: async (sessionId, requestId) => (await orStoreUnavailable(readTurns(redis, [{ sessionId, requestId }])))[0],

    unsettled: (sessionId, userId) => orStoreUnavailable(readUnsettledTurns(redis, sessionId, userId)),

    sessionOf: (requestId, userId) => orStoreUnavailable(findInHistory(redis, userId, requestId)),

    history: async (userId, { limit, cursor }) => {
      if (cursor !== undefined) decodeCursor(cursor);
      return await orStoreUnavailable(readVisible(redis, userId, { limit, cursor }));
    },

    erase: (sessionId, userId) =>
      orStoreUnavailable(
        (async () => {
          // Noted first: where this process dies half way, another one goes on.
          await addErasure(redis, { sessionId, userId });
          const remains = await eraseSession(redis, sessionId, userId);
          if (!remains) {
            await closeErasure(redis, { sessionId, userId });
            return undefined;
          }
          const turns = remains.requestIds.map((requestId) => ({ sessionId, requestId, userId }));
          await Promise.all([
            removeFromHistory(redis, userId, sessionId, remains.requestIds),
            closeTurns(redis, turns),
          ]);
          return remains;
        })(),
      ),

    markErased: (sessionId, userId, remains) =>
      orStoreUnavailable(
        (async () => {
          if (await markErased(redis, sessionId, remains)) await closeErasure(redis, { sessionId, userId });
        })(),
      ),

    unfinishedErasures: (before, count) => orStoreUnavailable(readErasures(redis, before, count)),

    overdue: (forMs, count) => orStoreUnavailable(readOverdueTurns(redis, forMs, count)),
    postpone: (turns, dueInMs) => orStoreUnavailable(postponeTurns(redis, turns, dueInMs)),
    close: (turns) => orStoreUnavailable(closeTurns(redis, turns)),
    discard: ({ sessionId, requestId, userId }) =>
      orStoreUnavailable(
        (async () => {
          await discardTurn(redis, sessionId, requestId);
          await removeFromHistory(redis, userId, sessionId, [requestId]);
          await closeTurns(redis, [{ sessionId, requestId, userId }]);
        })(),
      ),
  };
}

/** A page of a user's visible turns, newest first: as many as were asked for, or as fit. */
async function readVisible(
  redis: Redis,
  userId: string,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<HistoryPage> {
  const page: Turn[] = [];
  let next = cursor;
  let chars = 0;
  for (let tried = 0; tried < PAGES_TRIED; tried++) {
    const entries = await readHistory(redis, userId, { cursor: next, count: limit });
    for (let first = 0; first < entries.length; first += READ_TOGETHER) {
      const some = entries.slice(first, first + READ_TOGETHER);
      const turns = await readTurns(redis, some);
      for (const [index, entry] of some.entries()) {
        const turn = turns[index];
        if (turn) {
          chars += turn.message.length + (turn.answer?.response?.length ?? 0);
          if (page.length > 0 && chars > limits.pageBytes) return { turns: page, nextCursor: next ?? null };
          page.push(turn);
        }
        next = entry.cursor;
        if (page.length === limit) return { turns: page, nextCursor: next };
      }
    }
    if (entries.length < limit) return { turns: page, nextCursor: null };
  }
  return { turns: page, nextCursor: next ?? null };
}

/** The visible turns of these entries, in one round trip; undefined for those that are gone or not to be seen. */
async function readTurns(
  redis: Redis,
  entries: readonly { sessionId: string; requestId: string }[],
): Promise<(Turn | undefined)[]> {
  const commands = redis.pipeline();
  for (const { sessionId, requestId } of entries) {
    commands.hmget(redisKeys.turns(sessionId), `${requestId}:q`, `${requestId}:s`, `${requestId}:a`);
  }
  const replies = (await repliesOf(commands)) as (string | null)[][];
  return replies.map(([question, state, answer], index) => {
    const { sessionId, requestId } = entries[index]!;
    return visibleTurn(sessionId, { requestId, question, state, answer });
  });
}
