import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createDisk } from '../../../../src/adapters/jobs/runner/disk.ts';
import { StoreUnavailableError } from '../../../../src/contracts/errors.ts';
import { testRedisUrl } from '../../../services.ts';
import { startSlowDisk } from '../../../slow-disk.ts';

let slow: Awaited<ReturnType<typeof startSlowDisk>>;
let redis: Redis;
beforeEach(async () => {
  slow = await startSlowDisk(await testRedisUrl());
  redis = new Redis(slow.url, { maxRetriesPerRequest: null });
  redis.on('error', () => {});
});
afterEach(async () => {
  redis.disconnect();
  await slow.stop();
});
/** Asks, and has its question arrive. */
const ask = async (untilSafe: () => Promise<void>) => {
  let settled = false;
  const asking = untilSafe().finally(() => {
    settled = true;
  });
  asking.catch(() => {});
  await slow.asked();
  return { asking, isSettled: () => settled };
};

test('writes are safe as soon as the disk has them', async () => {
  const { asking, isSettled } = await ask(await createDisk(redis).ready());
  expect(isSettled()).toBe(false);
  slow.written();
  await asking;
});

test('writes are not safe if the disk does not have them in time', async () => {
  const { asking } = await ask(await createDisk(redis).ready());
  slow.notWritten();
  await expect(asking).rejects.toBeInstanceOf(StoreUnavailableError);
});

test('writes are not safe if another connection than theirs was asked', async () => {
  const untilSafe = await createDisk(redis).ready();
  redis.disconnect(true);
  const { asking } = await ask(untilSafe);
  slow.written();
  await expect(asking).rejects.toThrow('lost before its disk had the jobs');
});
