import type { Redis } from 'ioredis';
import type { Answered, Session, SessionTurn } from '../../contracts/http.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import { inBatches } from '../redis/in-batches.ts';
import { addToHistory, readHistory, removeFromHistory } from './history-index.ts';
import type { HistoryStore } from './history-store.ts';
import { beginTurn } from './redis-scripts/begin-turn.ts';
import { confirmTurn } from './redis-scripts/confirm-turn.ts';
import { eraseSession } from './redis-scripts/erase-session.ts';
import { settleTurns } from './redis-scripts/settle-turns.ts';
import { visibleTurn, visibleTurns } from './stored-turn.ts';

/** A new session whose first turn is never confirmed is kept this long: an answer may come for it all the same. */
const UNCONFIRMED_MS = 3_600_000;
/** A page of history is looked for in at most this many pages of the index, should most of their turns be gone. */
const PAGES_TRIED = 5;
const CONFIRM_WITHIN_MS = 10;
const CONFIRMED_TOGETHER = 100;

/**
 * Sessions and history in Redis. A session is a JSON string and a hash of its turns, in one slot of a cluster, each
 * change of them one script; a user's history is a sorted set beside them.
 * @param options.retentionMs how long a session is kept after its last change
 * @param options.replica what this process is called in the notices of settled turns; has no space
 */
export function createRedisHistoryStore(options: { redis: Redis; retentionMs: number; replica: string }): HistoryStore {
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
          const { sessionId, requestId, userId } = turn;
          // They leave together: one round trip.
          const [outcome] = await Promise.all([
            beginTurn(redis, turn, { newSession, ttlMs: UNCONFIRMED_MS }),
            addToHistory(redis, userId, { sessionId, requestId, createdAt: Date.parse(turn.createdAt) }, retentionMs),
          ]);
          if (outcome !== 'begun') await removeFromHistory(redis, userId, sessionId, [requestId]);
          return outcome;
        })(),
      ),

    confirm: (sessionId, requestId, { hurry }) =>
      orStoreUnavailable(hurry ? confirm(sessionId, requestId) : confirmTogether([sessionId, requestId])),

    settle: (responses) => orStoreUnavailable(settleTurns(redis, responses, { retentionMs, replica })),

    session: (sessionId, userId) =>
      orStoreUnavailable(
        (async () => {
          const [text, fields] = await Promise.all([
            redis.get(redisKeys.session(sessionId)),
            redis.hgetall(redisKeys.turns(sessionId)),
          ]);
          const stored = text === null ? undefined : (JSON.parse(text) as { userId: string } & Session);
          const turns = visibleTurns(fields);
          const latest = turns.at(-1);
          if (stored?.userId !== userId || !latest) return undefined;
          const { createdAt, updatedAt } = stored;
          return { sessionId, status: latest.status, response: latest.response, createdAt, updatedAt, turns };
        })(),
      ),

    turn: async (sessionId, requestId) => (await orStoreUnavailable(readTurns(redis, [{ sessionId, requestId }])))[0],

    history: (userId, { limit, cursor }) =>
      orStoreUnavailable(
        (async () => {
          const items: Answered[] = [];
          let next = cursor;
          for (let tried = 0; tried < PAGES_TRIED; tried++) {
            const entries = await readHistory(redis, userId, { cursor: next, count: limit });
            const turns = await readTurns(redis, entries);
            for (const [index, entry] of entries.entries()) {
              const turn = turns[index];
              if (turn) items.push({ ...turn, sessionId: entry.sessionId });
              next = entry.cursor;
              if (items.length === limit) return { items, nextCursor: next ?? null };
            }
            if (entries.length < limit) return { items, nextCursor: null };
          }
          return { items, nextCursor: next ?? null };
        })(),
      ),

    erase: (sessionId, userId) =>
      orStoreUnavailable(
        (async () => {
          const requestIds = await eraseSession(redis, sessionId, userId);
          if (requestIds) await removeFromHistory(redis, userId, sessionId, requestIds);
          return requestIds;
        })(),
      ),
  };
}

/** The visible turns of these entries, in one round trip; undefined for those that are gone or not to be seen. */
async function readTurns(
  redis: Redis,
  entries: readonly { sessionId: string; requestId: string }[],
): Promise<(SessionTurn | undefined)[]> {
  const commands = redis.pipeline();
  for (const { sessionId, requestId } of entries) {
    commands.hmget(redisKeys.turns(sessionId), `${requestId}:q`, `${requestId}:s`, `${requestId}:a`);
  }
  const replies = (await repliesOf(commands)) as (string | null)[][];
  return replies.map(([question, state, answer], index) => {
    return visibleTurn({ requestId: entries[index]!.requestId, question, state, answer });
  });
}
