import type { Db, UpdateFilter } from 'mongodb';
import type { TurnAddress } from '../../contracts/conversation.ts';
import { eachOrStoreUnavailable, orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import type { Redis } from '../redis/redis.ts';
import type { Earlier, FeedbackStore } from './feedback-store.ts';
import { conversationsOf, type TurnDocument, turnIdOf, unexpired } from './mongodb/documents.ts';
import { orStoresUnavailable } from './mongodb/or-stores-unavailable.ts';
import { createSessionLoader } from './mongodb/session-loader.ts';
import { rateTurn } from './redis-scripts/rate-turn.ts';

/** How many documents are read in one round trip. */
const READ_TOGETHER = 500;

/**
 * Feedback in MongoDB: a field of the turn. The turn's copy in Redis is changed as well, if there is one. Two round trips.
 */
export function createMongoDbFeedbackStore(options: { db: Db; redis: Redis; retentionMs: number }): FeedbackStore {
  const { db, redis, retentionMs } = options;
  const conversations = conversationsOf(db);
  const loader = createSessionLoader({ redis, conversations, retentionMs });

  async function change(
    turn: TurnAddress,
    update: UpdateFilter<TurnDocument>,
    stored: string,
  ): Promise<Earlier | undefined> {
    const filter = { _id: turnIdOf(turn), kind: 'turn' as const, userId: turn.userId, ...unexpired() };
    const before = await orStoreUnavailable(
      conversations.findOneAndUpdate(filter, update as UpdateFilter<never>, { returnDocument: 'before' }),
    );
    if (before?.kind !== 'turn') return undefined;
    await Promise.all([rateTurn(redis, turn, stored), loader.changed([turn.sessionId])]);
    return { rating: before.feedback?.rating ?? null };
  }

  return {
    rate: (turn, feedback) => {
      const ratedAt = Date.parse(feedback.ratedAt);
      return orStoresUnavailable(change(turn, { $set: { feedback, ratedAt } }, JSON.stringify(feedback)));
    },
    withdraw: (turn) => orStoresUnavailable(change(turn, { $unset: { feedback: '', ratedAt: '' } }, '')),
    given: async function* ({ from, until }) {
      const filter = { ratedAt: { $gte: from, $lte: until }, ...unexpired() };
      const found = conversations
        .find<TurnDocument>(filter, { batchSize: READ_TOGETHER, projection: { answer: 0, message: 0 } })
        .sort({ ratedAt: 1, _id: 1 });
      for await (const { sessionId, requestId, userId, feedback } of eachOrStoreUnavailable(found)) {
        const { comment, ...rest } = feedback!;
        yield { sessionId, requestId, userId, ...rest, commented: comment !== null };
      }
    },
  };
}
