import { setTimeout as sleep } from 'node:timers/promises';
import { repliesOf } from './connect-redis.ts';
import type { Redis } from './redis.ts';

/** One process looks, and for this long the others read what it saw. */
const EVERY_MS = 5_000;
/** What was seen longer ago is not shown. */
const STALE_MS = 15_000;
/** For how long what was seen is kept for the next look. */
const KEPT_MS = 3_600_000;
/** A process asks Redis no more often than this. */
const ASK_EVERY_MS = 1_000;
const TIMEOUT_MS = 1_000;

/**
 * Looks at something that all processes want to know, one of them for all. Otherwise every process would ask the servers the
 * same at every scrape. A process that looks takes a lease, and puts what it saw into Redis. The others read that: one round
 * trip of 3 commands.
 * @param options.key where what was seen is kept, as JSON; the lease is beside it. It must have a hash tag
 * @param options.look gets what was seen last, also if that is stale
 * @returns what was seen at most 15 s ago. undefined: nothing was, or Redis gives no answer within a second
 */
export function createSharedLook<T>(options: {
  redis: Redis;
  key: string;
  look: (previous: T | undefined) => Promise<T>;
}): () => Promise<T | undefined> {
  const { redis, key, look } = options;
  let latest: Promise<T | undefined> = Promise.resolve(undefined);
  let asking = false;
  let askedAt = Number.NEGATIVE_INFINITY;

  async function ask(): Promise<T | undefined> {
    const [leased, text, ttlMs] = (await repliesOf(
      redis.pipeline().set(`${key}:lease`, '1', 'PX', EVERY_MS, 'NX').get(key).pttl(key),
    )) as [string | null, string | null, number];
    const previous = text === null ? undefined : (JSON.parse(text) as T);
    if (leased === null) return KEPT_MS - ttlMs < STALE_MS ? previous : undefined;
    const seen = await look(previous);
    // If it is not kept, the next process looks a few seconds later.
    redis.set(key, JSON.stringify(seen), 'PX', KEPT_MS).catch(() => {});
    return seen;
  }

  return () => {
    // While Redis is away, only one question waits for it.
    if (!asking && performance.now() - askedAt >= ASK_EVERY_MS) {
      asking = true;
      askedAt = performance.now();
      latest = ask()
        .catch(() => undefined)
        .finally(() => {
          asking = false;
        });
    }
    return Promise.race([latest, sleep(TIMEOUT_MS, undefined, { ref: false })]);
  };
}

/** Keeps all processes from looking while something happens, and for a few seconds more: they would see something that is not so. */
export async function holdLook<T>(redis: Redis, key: string, during: () => Promise<T>): Promise<T> {
  const hold = () => redis.set(`${key}:lease`, '1', 'PX', EVERY_MS);
  await hold();
  const holding = setInterval(() => hold().catch(() => {}), EVERY_MS / 2);
  try {
    return await during();
  } finally {
    clearInterval(holding);
  }
}

/** Forgets what was seen, so that the next look does not begin with it. */
export async function forgetLook(redis: Redis, key: string): Promise<void> {
  await redis.del(key, `${key}:lease`);
}
