import type { TurnAddress } from '../../contracts/conversation.ts';
import { FEEDBACK_KEY, OPEN_TURNS_KEY, redisKeys } from '../../contracts/redis-keys.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { KeptConversations, KeptSession } from './conversation-store.ts';
import type { NewFeedback } from './feedback-store.ts';
import { type HistoryEntry, readHistory } from './history-index.ts';
import { erasuresOf, membersOf, readLists } from './kept-of-user.ts';
import { type KeptAnswer, type KeptFeedback, openFeedback, openTitle } from './sealed-texts.ts';
import type { StoredHead } from './stored-session.ts';
import { readQuestion, turnOf } from './stored-turn.ts';
import { addressOf } from './turn-member.ts';

/** How many entries, with their texts, are in memory at a time. */
const READ_TOGETHER = 25;

/** Gives what Redis keeps of a user. One round trip for each 25 entries, one more for each 25 turns. */
export function readKept({ redis, seals }: { redis: Redis; seals: TextSeals }, userId: string): KeptConversations {
  async function* entries(): AsyncGenerator<HistoryEntry[]> {
    for (let cursor: string | undefined; ; ) {
      const some = await orStoreUnavailable(readHistory(redis, userId, { cursor, count: READ_TOGETHER }));
      yield some;
      if (some.length < READ_TOGETHER) return;
      cursor = some.at(-1)!.cursor;
    }
  }

  async function* sessions(): AsyncGenerator<KeptSession> {
    const { sessionIds } = await orStoreUnavailable(readLists(redis, userId));
    for (const some of inChunks([...sessionIds])) {
      const texts = await orStoreUnavailable(Promise.all(some.map((id) => redis.get(redisKeys.session(id)))));
      const own = await seals.forOpening([userId]);
      for (const [index, sessionId] of some.entries()) {
        const head = JSON.parse(texts[index] ?? '{}') as Partial<StoredHead & { status: string }>;
        // Some may be gone, or be another user's.
        if (head.userId !== userId) continue;
        const { createdAt = '', updatedAt = '', status } = head;
        const title = openTitle(own, { sessionId, userId }, head) ?? null;
        yield { sessionId, title, createdAt, updatedAt, visible: status !== 'accepting' };
      }
    }
  }

  async function* turns() {
    for await (const some of entries()) {
      const commands = some.map(({ sessionId, requestId }) =>
        redis.hmget(redisKeys.turns(sessionId), `${requestId}:q`, `${requestId}:s`, `${requestId}:a`),
      );
      const stored = await orStoreUnavailable(Promise.all(commands));
      const own = await seals.forOpening([userId]);
      for (const [index, { sessionId, requestId }] of some.entries()) {
        const [question, state, answer] = stored[index]!;
        if (!question) continue;
        const kept = readQuestion(question);
        const turn = turnOf(
          own,
          { sessionId, requestId, userId },
          {
            ...{ kept, createdAt: kept.createdAt, feedback: undefined },
            answer: answer ? (JSON.parse(answer) as KeptAnswer) : undefined,
          },
        );
        if (turn) yield { ...withoutFeedback(turn), visible: Boolean(answer) || state === 'queued' };
      }
    }
  }

  async function* feedback() {
    const addresses = (await orStoreUnavailable(membersOf(redis, FEEDBACK_KEY, { userId }))).map(addressOf);
    for (const some of inChunks(addresses)) {
      const commands = some.map(({ sessionId, requestId }) => redis.hget(redisKeys.turns(sessionId), `${requestId}:f`));
      const texts = await orStoreUnavailable(Promise.all(commands));
      const own = await seals.forOpening([userId]);
      for (const [index, turn] of some.entries()) {
        const given = texts[index] && openFeedback(own, turn, JSON.parse(texts[index]) as KeptFeedback<NewFeedback>);
        if (given) yield { ...placeOf(turn), ...given };
      }
    }
  }

  async function* traces() {
    for await (const some of entries()) {
      const commands = some.map(({ sessionId, requestId }) => redis.hget(redisKeys.turns(sessionId), `${requestId}:k`));
      const answerKeys = await orStoreUnavailable(Promise.all(commands));
      for (const [index, { sessionId, requestId }] of some.entries()) {
        const answerKey = answerKeys[index];
        yield { sessionId, requestIds: [requestId], answerKeys: answerKey ? [answerKey] : [] };
      }
    }
  }

  return {
    ...{ sessions, turns, feedback, traces },
    openTurns: async () => {
      const members = await orStoreUnavailable(membersOf(redis, OPEN_TURNS_KEY, { userId }));
      return members.map((member) => placeOf(addressOf(member)));
    },
    unfinishedErasures: async () => {
      const sessionIds = await orStoreUnavailable(erasuresOf(redis, { userId }));
      return sessionIds.map((sessionId) => ({ sessionId }));
    },
  };
}

/** What a user thinks of an answer is a kind of its own. */
export function withoutFeedback<T extends { feedback: unknown }>({ feedback: _, ...turn }: T): Omit<T, 'feedback'> {
  return turn;
}

export const placeOf = ({ sessionId, requestId }: TurnAddress) => ({ sessionId, requestId });

function* inChunks<T>(all: readonly T[]): Generator<T[]> {
  for (let first = 0; first < all.length; first += READ_TOGETHER) yield all.slice(first, first + READ_TOGETHER);
}
