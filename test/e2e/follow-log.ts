import { expect } from '@jest/globals';
import { Redis } from 'ioredis';
import type { LogOf } from '../../src/adapters/answer-log/answer-log.ts';
import { createRedisLogReader } from '../../src/adapters/answer-log/redis-log-reader.ts';
import type { AnswerEventType, NumberedEvent } from '../../src/contracts/answer-events.ts';
import { isEnd, textAfter } from '../../src/contracts/answer-text.ts';
import type { ChatResponse } from '../../src/contracts/chat-response.ts';
import { plainTexts } from '../../src/contracts/sealing.ts';
import { readAll, textOf } from '../adapters/answer-log/answer-log-contract.ts';
import { openSeals } from '../seals.ts';
import { until } from '../until.ts';

/** Readers of the logs of one Redis. */
/** @param masterKey with which texts are encrypted; left out: they are not */
export function openLogs(redisUrl: string, masterKey?: string) {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const subscriber = new Redis(redisUrl, { autoResubscribe: false, maxRetriesPerRequest: null });
  for (const connection of [redis, subscriber]) connection.on('error', () => {});
  const seals = masterKey === undefined ? plainTexts : openSeals(redis, masterKey).seals;
  const reader = createRedisLogReader({ redis, subscriber, seals });

  async function* read(log: LogOf, after = -1) {
    for await (const events of reader.read(log, after)) yield* events;
  }

  return {
    /** Reads a log from its beginning, in the background. */
    follow: (requestId: string, userId = 'ann') => {
      const events: NumberedEvent[] = [];
      const ended = (async () => {
        for await (const event of read({ requestId, userId })) events.push(event);
        return events;
      })();
      // A test that fails before it awaits this must not end the process.
      ended.catch(() => {});
      const types = () => events.map(({ event }) => event.type);
      const saw = (type: AnswerEventType, times = 1) =>
        until(`${times} events ${type}`, () => types().filter((seen) => seen === type).length >= times, 60_000);
      return { events, ended, saw };
    },
    /**
     * Checks that readers get exactly the response: no gap, no repeat, one end, and the same for a reader that comes late
     * or resumes. @returns the types of the events, with one `delta` for several in a row
     */
    expectExactly: async (events: readonly NumberedEvent[], response: ChatResponse) => {
      expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => index));
      expect(events.filter(({ event }) => isEnd(event))).toEqual([events.at(-1)]);
      expect(events.at(-1)?.event.type).toBe(response.status);
      expect(textOf(events)).toBe(response.response ?? '');
      let text = '';
      for (const { event } of events) {
        if ('offset' in event) expect(event.offset).toBe(text.length);
        text = textAfter(text, event);
      }
      expect(await readAll(read(response))).toEqual(events);
      const half = Math.floor(events.length / 2);
      expect(await readAll(read(response, half))).toEqual(events.slice(half + 1));
      const types = events.map(({ event }) => event.type);
      return types.filter((type, index) => type !== 'delta' || types[index - 1] !== 'delta');
    },
    close: () => {
      reader.stop();
      redis.disconnect();
      subscriber.disconnect();
    },
  };
}
