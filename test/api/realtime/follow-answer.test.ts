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
import type { ChatResponse } from '../../../src/contracts/chat-response.ts';
import type { Answer } from '../../../src/contracts/conversation.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { attemptAt, COMPLETED } from '../../adapters/answer-log/answer-log-contract.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

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

const { type: _, at: completedAt, ...completed } = COMPLETED;
const ANSWER = { ...completed, status: 'completed', completedAt, response: 'Eat.' } as unknown as Answer;

/** More than are read from a log at once. */
const STARTS = 600;

/** Starts to follow a log that has ended. */
async function followEndedLog(
  answer: Answer | null,
  starts: number,
  send: (event: AnswerEvent, number?: number) => Promise<void>,
) {
  const [redis, subscriber] = [await connect(), await connect()];
  const waiter = createAnswerWaiter({ notices: createRedisSettledNotices({ subscriber, replica: 'test' }) });
  const requestId = randomUUID();
  const log = createRedisLogWriter({ redis, seals: plainTexts, ttlMs: 60_000 }).open(attemptAt(requestId, 1));
  for (let n = 0; n < starts; n++) log.asking();
  await log.end(COMPLETED, ANSWER.response!);
  const watch = await waiter.watch(requestId, 60_000);
  const following = followAnswer(
    createRedisLogReader({ redis, subscriber, seals: plainTexts }),
    { begin: () => {}, send, cutOff: () => {}, end: () => {} },
    { requestId, userId: 'ann', after: -1, watch, answer, readTurn: async () => undefined },
  );
  return { following, settle: () => waiter.settled(requestId, { ...ANSWER, requestId } as unknown as ChatResponse) };
}

test('a reader that takes its time is told all events of the log, and the end once', async () => {
  const told: [AnswerEvent['type'], number | undefined][] = [];
  const { following } = await followEndedLog(ANSWER, STARTS, async ({ type }, number) => {
    told.push([type, number]);
    // Longer than the end of a log is waited for.
    if (number === 0) await sleep(2_500);
  });
  await following;
  expect(told.map(([, number]) => number)).toEqual(Array.from({ length: STARTS + 2 }, (_, n) => n));
  expect(told.filter(([type]) => type === 'completed')).toHaveLength(1);
});

test('a reader is told the end once the turn has ended, so that the next question has the answer in its context', async () => {
  const order: string[] = [];
  const { following, settle } = await followEndedLog(null, 1, async ({ type }) => void order.push(type));
  await until('the log is told', () => order.includes('started'));
  await sleep(300);
  order.push('the turn ends');
  settle();
  await following;
  expect(order.slice(-2)).toEqual(['the turn ends', 'completed']);
});

test('if the turn does not end, a reader is told the end of the log all the same', async () => {
  const order: string[] = [];
  const { following } = await followEndedLog(null, 1, async ({ type }) => void order.push(type));
  await following;
  expect(order.at(-1)).toBe('completed');
});
