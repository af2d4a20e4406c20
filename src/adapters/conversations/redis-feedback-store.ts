import type { TurnAddress } from '../../contracts/conversation.ts';
import type { RatedAnswer } from '../../contracts/feedback.ts';
import { FEEDBACK_KEY, redisKeys } from '../../contracts/redis-keys.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { Earlier, FeedbackStore, NewFeedback } from './feedback-store.ts';
import { rateTurn } from './redis-scripts/rate-turn.ts';
import { type KeptFeedback, sealFeedback, withoutComment } from './sealed-texts.ts';
import { addressOf, memberOf } from './turn-member.ts';

const READ_TOGETHER = 500;

/**
 * Feedback in Redis: a field of the turn. A sorted set has the addresses of all turns with feedback, by the time when
 * it was given. An entry is added before the feedback and removed after it, so no feedback is ever without its entry.
 * @param options.retentionMs how long an entry stays in the sorted set
 */
export function createRedisFeedbackStore(options: {
  redis: Redis;
  seals: TextSeals;
  retentionMs: number;
}): FeedbackStore {
  const { redis, seals, retentionMs } = options;

  async function rate(turn: TurnAddress, feedback: NewFeedback): Promise<Earlier | undefined> {
    const givenAt = Date.parse(feedback.ratedAt);
    const kept = sealFeedback(await seals.forSealing([turn.userId]), turn, feedback);
    // These commands are sent together: one round trip.
    const [, , earlier] = await Promise.all([
      redis.zremrangebyscore(FEEDBACK_KEY, '-inf', givenAt - retentionMs),
      redis.zadd(FEEDBACK_KEY, givenAt, memberOf(turn)),
      rateTurn(redis, turn, JSON.stringify(kept)),
    ]);
    if (earlier === undefined) await removeFromFeedback(redis, [turn]);
    return earlierOf(earlier);
  }

  async function withdraw(turn: TurnAddress): Promise<Earlier | undefined> {
    const earlier = await rateTurn(redis, turn, '');
    await removeFromFeedback(redis, [turn]);
    return earlierOf(earlier);
  }

  async function* given({ from, until }: { from: number; until: number }): AsyncGenerator<RatedAnswer> {
    let first = from;
    // Those of the last millisecond that was read. They are read again with the next batch.
    let seen = new Set<string>();
    for (;;) {
      const count = READ_TOGETHER + seen.size;
      const found = await orStoreUnavailable(
        redis.zrangebyscore(FEEDBACK_KEY, first, until, 'WITHSCORES', 'LIMIT', 0, count),
      );
      const entries = Array.from({ length: found.length / 2 }, (_, i) => ({
        member: found[2 * i]!,
        at: Number(found[2 * i + 1]),
      }));
      const last = entries.at(-1);
      yield* await readFeedback(
        redis,
        entries.filter(({ member }) => !seen.has(member)).map(({ member }) => addressOf(member)),
      );
      if (!last || entries.length < count) return;
      const again = entries.filter(({ at }) => at === last.at).map(({ member }) => member);
      seen = last.at === first ? new Set([...seen, ...again]) : new Set(again);
      first = last.at;
    }
  }

  return {
    rate: (turn, feedback) => orStoreUnavailable(rate(turn, feedback)),
    withdraw: (turn) => orStoreUnavailable(withdraw(turn)),
    given,
  };
}

/** Removes the entries of these turns. The feedback itself goes with its turn. */
export async function removeFromFeedback(redis: Redis, turns: readonly TurnAddress[]): Promise<void> {
  if (turns.length > 0) await redis.zrem(FEEDBACK_KEY, ...turns.map(memberOf));
}

/**
 * Removes the entries of feedback that was given at that time or before, ms. The feedback itself goes with its turn. Two round
 * trips for each 500. @returns how many. @throws StoreUnavailableError
 */
export async function removeOldFeedback(redis: Redis, until: number): Promise<number> {
  for (let removed = 0; ; ) {
    const old = redis.zrangebyscore(FEEDBACK_KEY, '-inf', until, 'LIMIT', 0, READ_TOGETHER);
    const members = await orStoreUnavailable(old);
    if (members.length > 0) removed += await orStoreUnavailable(redis.zrem(FEEDBACK_KEY, ...members));
    if (members.length < READ_TOGETHER) return removed;
  }
}

/** Reads the feedback of turns, without the comments. Turns that have none are left out. One round trip. */
async function readFeedback(redis: Redis, turns: readonly TurnAddress[]): Promise<RatedAnswer[]> {
  const commands = turns.map(({ sessionId, requestId }) => redis.hget(redisKeys.turns(sessionId), `${requestId}:f`));
  const texts = await orStoreUnavailable(Promise.all(commands));
  return turns.flatMap((turn, index) => {
    const text = texts[index];
    if (!text) return [];
    return [{ ...turn, ...withoutComment(JSON.parse(text) as KeptFeedback<NewFeedback>) }];
  });
}

/** @param text the feedback before, as JSON, or an empty text; undefined: there is no such turn */
function earlierOf(text: string | undefined): Earlier | undefined {
  if (text === undefined) return undefined;
  return { rating: text === '' ? null : (JSON.parse(text) as NewFeedback).rating };
}
