import type { Redis } from 'ioredis';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { AnswerLogKeeper, EndOf } from './answer-log.ts';
import { readText } from './read-log.ts';
import { keptUnended } from './redis-log-writer.ts';
import { appendEvents } from './redis-scripts/append-events.ts';
import { eraseLog } from './redis-scripts/erase-log.ts';

export function createRedisLogKeeper({ redis, ttlMs }: { redis: Redis; ttlMs: number }): AnswerLogKeeper {
  return {
    queued: async (requestId, deadlineAt) => {
      const event = { type: 'queued', at: new Date().toISOString() } as const;
      const keptMs = keptUnended(deadlineAt, ttlMs);
      await appendEvents(redis, requestId, {
        ...{ epoch: 0, first: undefined, ends: false, keptMs },
        events: [{ event, charsAfter: 0 }],
      });
    },
    end: async (requestId, end) => {
      const { outcome } = await appendEvents(redis, requestId, {
        ...{ epoch: 0, first: undefined, ends: true, keptMs: ttlMs },
        events: [endOf(end)],
      });
      if (outcome === 'none') return undefined;
      const log = await orStoreUnavailable(readText(redis, requestId));
      return log && { by: outcome === 'written' ? 'us' : 'another', end: log.last.event.type, text: log.text };
    },
    erase: async (requestIds) => {
      await Promise.all(requestIds.map((requestId) => eraseLog(redis, requestId)));
    },
  };
}

/** The script adds the length of the text. */
const endOf = (end: EndOf) => (end.type === 'failed' ? { event: end, charsAfter: 0 } : { event: { ...end, rest: '' } });
