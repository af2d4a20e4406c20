import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createDepthRecorder, readDepthHistory } from '../../../src/adapters/jobs/depth-history.ts';
import { DEPTHS_KEPT } from '../../../src/contracts/depths.ts';
import { DEPTHS_KEY } from '../../../src/contracts/redis-keys.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.disconnect());

test('several processes keep one sample for a step of time, and steps at which nobody looked have no value', async () => {
  const { logger } = captureLog();
  const look = async () => ({ queue: { chat_requests: 7 }, jobs: { waiting: 3 } });
  const recorders = [1, 2, 3].map(() => createDepthRecorder({ redis, look, logger }));
  for (const recorder of recorders) recorder.start();
  await until('a sample is kept', async () => (await redis.llen(DEPTHS_KEY)) > 0);
  for (const recorder of recorders) recorder.stop();
  // The test may run across the end of a step.
  expect(await redis.llen(DEPTHS_KEY)).toBeLessThanOrEqual(2);
  const { series, stepMs } = await readDepthHistory(redis);
  expect(stepMs).toBe(15_000);
  expect(series.map(({ name, kind }) => [name, kind])).toEqual([
    ['chat_requests', 'queue'],
    ['waiting', 'jobs'],
  ]);
  for (const { values } of series) expect(values).toHaveLength(DEPTHS_KEPT);
  expect(series[0]!.values.slice(-2)).toContain(7);
  expect(series[1]!.values.slice(0, -2).every((value) => value === null)).toBe(true);
});

test('it is bounded: what is older than an hour goes', async () => {
  await redis.del(DEPTHS_KEY);
  await redis.rpush(DEPTHS_KEY, ...Array.from({ length: 400 }, (_, i) => `${i} {"jobs":{"waiting":1}}`).reverse());
  const { logger } = captureLog();
  const recorder = createDepthRecorder({ redis, look: async () => ({ jobs: { waiting: 9 } }), logger });
  recorder.start();
  await until('the old ones are gone', async () => (await redis.llen(DEPTHS_KEY)) === DEPTHS_KEPT);
  recorder.stop();
  const [waiting] = (await readDepthHistory(redis)).series;
  expect(waiting!.values.filter((value) => value !== null)).toEqual([9]);
});
