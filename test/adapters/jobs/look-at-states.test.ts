import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { addJobs, jobStates } from '../../../src/adapters/jobs/job-queue.ts';
import { type ChatQueue, type JobShards, openJobShards } from '../../../src/adapters/jobs/job-shards.ts';
import { testRedisUrl } from '../../services.ts';

let redis: Redis;
let shards: JobShards;
let queue: ChatQueue;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl(), { maxRetriesPerRequest: null });
  shards = openJobShards(redis, 1);
  ({ queue } = shards.all[0]!);
});
afterAll(async () => {
  await shards.close();
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
  expect(await jobStates(shards, redis)).toEqual({ pauses: { chat: false }, states: empty });

  await addJobs(queue, redis, [job(), job(), job()], { attempts: 1 });
  const [first] = await redis.zrange(queue.toKey('prioritized'), '0', '0');
  await redis.hset(queue.toKey(first!), 'timestamp', String(Date.now() - 60_000));
  await redis.zadd(queue.toKey('failed'), Date.now() - 3_600_000, 'failed-1', Date.now(), 'failed-2');
  await queue.pause();
  const { pauses, states } = await jobStates(shards, redis);
  expect(pauses).toEqual({ chat: true });
  expect(states).toMatchObject({ prioritized: { count: 3 }, failed: { count: 2 }, completed: none, active: none });
  expect(Math.round(states.prioritized.ageMs! / 10_000)).toBe(6);
  expect(Math.round(states.failed.ageMs! / 100_000)).toBe(36);

  await queue.resume();
  expect((await jobStates(shards, redis)).pauses).toEqual({ chat: false });
});
