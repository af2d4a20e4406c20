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

test('a reader that takes its time with the last events is told the end once', async () => {
  const [redis, subscriber] = [await connect(), await connect()];
  const waiter = createAnswerWaiter({ notices: createRedisSettledNotices({ subscriber, replica: 'test' }) });
  const requestId = randomUUID();
  await createRedisLogWriter({ redis, ttlMs: 60_000 }).open(attemptAt(requestId, 1)).end(COMPLETED, 'Eat.');
  const { type: _, at: completedAt, ...completed } = COMPLETED;
  const answer = { ...completed, status: 'completed', completedAt, response: 'Eat.' } as unknown as Answer;
  const told: [AnswerEvent['type'], number | undefined][] = [];
  await followAnswer(
    createRedisLogReader({ redis, subscriber }),
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
    { requestId, after: -1, watch: await waiter.watch(requestId, 60_000), answer, readTurn: async () => undefined },
  );
  expect(told).toEqual([
    ['queued', 0],
    ['completed', 1],
  ]);
});
