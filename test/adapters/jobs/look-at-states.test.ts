import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { addJobs, type ChatQueue, jobStates, openChatQueue } from '../../../src/adapters/jobs/job-queue.ts';
import { testRedisUrl } from '../../services.ts';

let redis: Redis;
let queue: ChatQueue;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl(), { maxRetriesPerRequest: null });
  queue = openChatQueue(redis);
});
afterAll(async () => {
  await queue.close();
  redis.disconnect();
});

const none = { count: 0, ageMs: undefined };
const job = () => ({
  request: {
    version: 1 as const,
    requestId: randomUUID(),
    sessionId: 's',
    userId: 'u',
    message: 'm',
    context: [],
    cache: true,
    priority: 'interactive' as const,
  },
  traceparent: '',
  receivedAt: new Date().toISOString(),
});

test('an operator sees how many jobs are in each state and how old the first is, and whether the queue is paused', async () => {
  const empty = { wait: none, prioritized: none, delayed: none, active: none, completed: none, failed: none };
  expect(await jobStates(queue, redis)).toEqual({ paused: false, states: empty });

  await addJobs(queue, redis, [job(), job(), job()], { attempts: 1 });
  const [first] = await redis.zrange(queue.toKey('prioritized'), '0', '0');
  await redis.hset(queue.toKey(first!), 'timestamp', String(Date.now() - 60_000));
  await redis.zadd(queue.toKey('failed'), Date.now() - 3_600_000, 'failed-1', Date.now(), 'failed-2');
  await queue.pause();
  const { paused, states } = await jobStates(queue, redis);
  expect(paused).toBe(true);
  expect(states).toMatchObject({ prioritized: { count: 3 }, failed: { count: 2 }, completed: none, active: none });
  expect(Math.round(states.prioritized.ageMs! / 10_000)).toBe(6);
  expect(Math.round(states.failed.ageMs! / 100_000)).toBe(36);

  await queue.resume();
  expect((await jobStates(queue, redis)).paused).toBe(false);
});
