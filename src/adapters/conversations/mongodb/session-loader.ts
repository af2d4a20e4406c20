import { randomUUID } from 'node:crypto';
import { StoreUnavailableError } from '../../../contracts/errors.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../../mongodb/or-store-unavailable.ts';
import { orStoreUnavailable as orRedisUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import { type LoadOutcome, loadSession } from '../redis-scripts/load-session.ts';
import { archivedTurnOf, type Conversations, sessionDocumentIdOf, type TurnDocument, unexpired } from './documents.ts';
import { isThere } from './find-by-id.ts';

/** Longer than any load takes. */
const NOTE_MS = 60_000;
const TRIES = 5;
const DAY_MS = 24 * 3_600_000;

export interface SessionLoader {
  /**
   * Copies a session from MongoDB to Redis, unless it is there. Returns false if there is no such session, or it was
   * erased. Three round trips; one if MongoDB does not have it.
   * @param options.userId whose it must be; left out: anybody's
   * @param options.ttlMs how long it stays in Redis if nothing happens to it
   */
  load(sessionId: string, options: { userId?: string; ttlMs: number }): Promise<boolean>;
  /** Whatever is being loaded of this session may be out of date, so it is read again. */
  changed(sessionIds: readonly string[]): Promise<void>;
}

/**
 * Loads sessions that are needed again.
 *
 * A load reads MongoDB and then writes Redis. Somebody else may change MongoDB in between, and find no copy in Redis that
 * must be changed as well. So a load leaves a note in Redis before it reads, and its last step writes only if the note is
 * still there. Whoever changes MongoDB removes the note (`changed`), and then the load begins again.
 */
export function createSessionLoader(options: {
  redis: Redis;
  conversations: Conversations;
  retentionMs: number;
}): SessionLoader {
  const { redis, conversations, retentionMs } = options;

  async function tryToLoad(sessionId: string, ttlMs: number): Promise<LoadOutcome | 'gone'> {
    const note = randomUUID();
    await orRedisUnavailable(redis.set(redisKeys.loading(sessionId), note, 'PX', NOTE_MS));
    const documents = await orStoreUnavailable(conversations.find({ sessionId, ...unexpired() }).toArray());
    const session = documents.find((document) => document.kind === 'session');
    if (!session) return 'gone';
    const turns = documents.filter((document): document is TurnDocument => document.kind === 'turn');
    turns.sort((a, b) => a.number - b.number);
    const copy = { session, turns: turns.map(archivedTurnOf) };
    const outcome = await orRedisUnavailable(loadSession(redis, copy, { note, ttlMs }));
    if (outcome === 'loaded') await keepWhole(sessionId, session.expireAt);
    return outcome;
  }

  /** A session is kept as a whole. So the older turns of a session that is used again are kept as long as it is. */
  async function keepWhole(sessionId: string, expireAt: Date): Promise<void> {
    const until = new Date(Date.now() + retentionMs);
    if (until.getTime() - expireAt.getTime() < Math.min(DAY_MS, retentionMs / 2)) return;
    await orStoreUnavailable(conversations.updateMany({ sessionId }, { $max: { expireAt: until } }));
  }

  return {
    load: async (sessionId, { userId, ttlMs }) => {
      if (!(await isThere(conversations, sessionDocumentIdOf(sessionId), userId))) return false;
      for (let tries = 1; tries <= TRIES; tries++) {
        const outcome = await tryToLoad(sessionId, ttlMs);
        if (outcome !== 'changed') return outcome === 'loaded' || outcome === 'there';
      }
      throw new StoreUnavailableError('A session changes while it is loaded.');
    },
    changed: async (sessionIds) => {
      await orRedisUnavailable(Promise.all(sessionIds.map((sessionId) => redis.del(redisKeys.loading(sessionId)))));
    },
  };
}
