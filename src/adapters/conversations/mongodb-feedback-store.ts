import type { Db, UpdateFilter } from 'mongodb';
import type { TurnAddress } from '../../contracts/conversation.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import { eachOrStoreUnavailable, orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import type { Redis } from '../redis/redis.ts';
import type { Earlier, FeedbackStore } from './feedback-store.ts';
import { conversationsOf, type TurnDocument, turnIdOf, unexpired } from './mongodb/documents.ts';
import { orStoresUnavailable } from './mongodb/or-stores-unavailable.ts';
import { createSessionLoader } from './mongodb/session-loader.ts';
import { rateTurn } from './redis-scripts/rate-turn.ts';
import { sealFeedback, withoutComment } from './sealed-texts.ts';

/** How many documents are read in one round trip. */
const READ_TOGETHER = 500;

/**
 * Feedback in MongoDB: a field of the turn. The turn's copy in Redis is changed as well, if there is one. Two round trips.
 */
export function createMongoDbFeedbackStore(options: {
  db: Db;
  redis: Redis;
  seals: TextSeals;
  retentionMs: number;
}): FeedbackStore {
  const { db, redis, seals, retentionMs } = options;
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
    rate: async (turn, feedback) => {
      const ratedAt = Date.parse(feedback.ratedAt);
      const kept = sealFeedback(await seals.forSealing([turn.userId]), turn, feedback);
      return await orStoresUnavailable(change(turn, { $set: { feedback: kept, ratedAt } }, JSON.stringify(kept)));
    },
    withdraw: (turn) => orStoresUnavailable(change(turn, { $unset: { feedback: '', ratedAt: '' } }, '')),
    given: async function* ({ from, until }) {
      const filter = { ratedAt: { $gte: from, $lte: until }, ...unexpired() };
      const found = conversations
        .find<TurnDocument>(filter, { batchSize: READ_TOGETHER, projection: { answer: 0, message: 0 } })
        .sort({ ratedAt: 1, _id: 1 });
      for await (const { sessionId, requestId, userId, feedback } of eachOrStoreUnavailable(found)) {
        yield { sessionId, requestId, userId, ...withoutComment(feedback!) };
      }
    },
  };
}
