import type { Redis } from 'ioredis';
import { textAfter } from '../../contracts/answer-text.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { AnswerLogKeeper, EndOf } from './answer-log.ts';
import { readLog } from './read-log.ts';
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
      const { text, last } = await textOf(requestId);
      return last && { by: outcome === 'written' ? 'us' : 'another', end: last, text };
    },
    erase: async (requestIds) => {
      await Promise.all(requestIds.map((requestId) => eraseLog(redis, requestId)));
    },
  };

  async function textOf(requestId: string) {
    const events = await orStoreUnavailable(readLog(redis, requestId, -1));
    const text = events.reduce((before, { event }) => textAfter(before, event), '');
    return { text, last: events.at(-1)?.event.type };
  }
}

/** The script adds the length of the text. */
const endOf = (end: EndOf) => (end.type === 'failed' ? { event: end, charsAfter: 0 } : { event: { ...end, rest: '' } });
