import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';

/** What the cache keeps of the answer to a user's question: the last answer of a session, and entries, by their hashes. */
export interface KeptAnswer {
  sessionId: string;
  hashes: readonly string[];
}

/**
 * Notes what the cache keeps for each user. If another service has asked in a conversation that is not ours, nothing else leads from
 * its user to the answers, once the job is gone. All methods cost one round trip.
 */
export interface AnswersOfUser {
  /** Whoever keeps an answer must note it. */
  note(userId: string, kept: KeptAnswer): Promise<void>;
  forget(userId: string, kept: KeptAnswer): Promise<void>;
}

/** No answer is kept longer than this many times its time to live. */
const LONGEST = 1.1;
const READ_TOGETHER = 100;
/** A hash has no colon. */
const SESSION = 'session:';

/**
 * @param options.keepLast whether the last answer of each session is kept
 * @param options.ttlMs how long an answer is kept
 */
export function createAnswersOfUser(options: { redis: Redis; keepLast: boolean; ttlMs: number }): AnswersOfUser {
  const { redis, keepLast } = options;
  const ttlMs = Math.ceil(options.ttlMs * LONGEST);
  return {
    note: async (userId, kept) => {
      const members = membersOf(keepLast ? kept : { ...kept, sessionId: '' });
      if (members.length === 0) return;
      const key = redisKeys.answersOfUser(userId);
      const now = Date.now();
      const scored = members.flatMap((member) => [now + ttlMs, member]);
      await repliesOf(
        redis
          .pipeline()
          .zadd(key, ...scored)
          .pexpire(key, ttlMs)
          .zremrangebyscore(key, '-inf', now),
      );
    },
    forget: (userId, kept) => forgetNotes(redis, userId, [kept]),
  };
}

/** Gives what was noted of a user, also of answers that are gone already. @throws StoreUnavailableError */
export async function* notedAnswers(redis: Redis, userId: string): AsyncGenerator<KeptAnswer> {
  const key = redisKeys.answersOfUser(userId);
  for (let first = 0; ; first += READ_TOGETHER) {
    const members = await orStoreUnavailable(redis.zrange(key, String(first), String(first + READ_TOGETHER - 1)));
    for (const member of members) {
      yield member.startsWith(SESSION)
        ? { sessionId: member.slice(SESSION.length), hashes: [] }
        : { sessionId: '', hashes: [member] };
    }
    if (members.length < READ_TOGETHER) return;
  }
}

/** Forgets what was noted of some answers. @throws StoreUnavailableError */
export async function forgetNotes(redis: Redis, userId: string, kept: readonly KeptAnswer[]): Promise<void> {
  const members = kept.flatMap(membersOf);
  if (members.length > 0) await orStoreUnavailable(redis.zrem(redisKeys.answersOfUser(userId), ...members));
}

const membersOf = ({ sessionId, hashes }: KeptAnswer) => [
  ...(sessionId === '' ? [] : [SESSION + sessionId]),
  ...hashes,
];
