import { createHash } from 'node:crypto';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';

/** A link in a mail that was not used. Its secret is not kept. Times are ISO 8601. */
export interface MailedLink {
  purpose: 'password_reset' | 'email_proof';
  email: string;
  askedAt: string;
  expiresAt: string;
}

/**
 * Leads from an email to the links that were sent to it, which are kept by hashes of their secrets. So an erasure finds them. It
 * has a hash of the email, too. All methods reject with StoreUnavailableError.
 */
export interface MailedLinks {
  /** Whoever makes a link must note it before. One round trip. @param key where the link is kept */
  note(email: string, key: string, ttlMs: number): Promise<void>;
  /** Returns those that can be used. Two round trips. */
  of(email: string): Promise<MailedLink[]>;
  /** Removes them. Two round trips. */
  remove(email: string): Promise<void>;
}

/** What is kept of a link; `askedAt`, in ms. */
type KeptLink = Pick<MailedLink, 'email'> & { askedAt: number };

/** No link counts longer: a proof of an email, and PASSWORD_RESET_TTL at most. */
const LONGEST_MS = 24 * 3_600_000;

export function createRedisMailedLinks({ redis }: { redis: Redis }): MailedLinks {
  const indexOf = (email: string) => redisKeys.mailedLinks(createHash('sha256').update(email).digest('hex'));
  const keysOf = (email: string) => orStoreUnavailable(redis.zrange(indexOf(email), '0', '-1'));
  return {
    note: async (email, key, ttlMs) => {
      const [index, now] = [indexOf(email), Date.now()];
      await repliesOf(
        redis
          .pipeline()
          .zadd(index, now + ttlMs, key)
          .pexpire(index, LONGEST_MS)
          .zremrangebyscore(index, '-inf', now),
      );
    },
    of: async (email) => {
      const keys = await keysOf(email);
      const found = await orStoreUnavailable(
        Promise.all(keys.map((key) => Promise.all([key, redis.get(key), redis.pttl(key)]))),
      );
      return found.flatMap(([key, text, ttlMs]) => (text === null ? [] : [linkOf(key, JSON.parse(text), ttlMs)]));
    },
    remove: async (email) => {
      const keys = [...(await keysOf(email)), indexOf(email)];
      await orStoreUnavailable(Promise.all(keys.map((key) => redis.del(key))));
    },
  };
}

const linkOf = (key: string, { email, askedAt }: KeptLink, ttlMs: number): MailedLink => ({
  purpose: key.startsWith(redisKeys.resetWish('')) ? 'password_reset' : 'email_proof',
  email,
  askedAt: new Date(askedAt).toISOString(),
  expiresAt: new Date(Date.now() + Math.max(0, ttlMs)).toISOString(),
});
