import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisLogReader } from '../../../src/adapters/answer-log/redis-log-reader.ts';
import { createRedisLogWriter } from '../../../src/adapters/answer-log/redis-log-writer.ts';
import { createRedisSettledNotices } from '../../../src/adapters/conversations/redis-settled-notices.ts';
import { createAnswerWaiter } from '../../../src/api/chat/answer-waiter.ts';
import { followAnswer } from '../../../src/api/realtime/follow-answer.ts';
import type { AnswerEvent } from '../../../src/contracts/answer-events.ts';
import type { Answer } from '../../../src/contracts/conversation.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { attemptAt, COMPLETED } from '../../adapters/answer-log/answer-log-contract.ts';
import { testRedisUrl } from '../../services.ts';

const opened: Redis[] = [];
afterAll(() => {
  for (const redis of opened) redis.disconnect();
});
async function connect(): Promise<Redis> {
  const redis = new Redis(await url, { maxRetriesPerRequest: null, autoResubscribe: false });
  opened.push(redis);
  return redis;
}
const url = testRedisUrl();

/** More than are read from a log at once. */
const STARTS = 600;

test('a reader that takes its time is told all events of the log, and the end once', async () => {
  const [redis, subscriber] = [await connect(), await connect()];
  const waiter = createAnswerWaiter({ notices: createRedisSettledNotices({ subscriber, replica: 'test' }) });
  const requestId = randomUUID();
  const log = createRedisLogWriter({ redis, seals: plainTexts, ttlMs: 60_000 }).open(attemptAt(requestId, 1));
  for (let n = 0; n < STARTS; n++) log.asking();
  await log.end(COMPLETED, 'Eat.');
  const { type: _, at: completedAt, ...completed } = COMPLETED;
  const answer = { ...completed, status: 'completed', completedAt, response: 'Eat.' } as unknown as Answer;
  const told: [AnswerEvent['type'], number | undefined][] = [];
  await followAnswer(
    createRedisLogReader({ redis, subscriber, seals: plainTexts }),
    {
      begin: () => {},
      send: async ({ type }, number) => {
        told.push([type, number]);
        // Longer than the end of a log is waited for.
        if (number === 0) await sleep(2_500);
      },
      cutOff: () => {},
      end: () => {},
    },
    {
      requestId,
      userId: 'ann',
      after: -1,
      watch: await waiter.watch(requestId, 60_000),
      answer,
      readTurn: async () => undefined,
    },
  );
  expect(told.map(([, number]) => number)).toEqual(Array.from({ length: STARTS + 2 }, (_, n) => n));
  expect(told.filter(([type]) => type === 'completed')).toHaveLength(1);
});
