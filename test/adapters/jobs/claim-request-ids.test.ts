import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { ChatJobResult } from '../../../src/adapters/jobs/chat-job.ts';
import { claimRequestIds } from '../../../src/adapters/jobs/claim-request-ids.ts';
import type { NewJob } from '../../../src/adapters/jobs/job-queue.ts';
import { createJobRunner } from '../../../src/adapters/jobs/runner/job-runner.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { until } from '../../until.ts';
import { newJob } from './runner/new-job.ts';
import { openQueue } from './runner/queue-around.ts';
import { jobLimits } from './search/search-around.ts';

const HOUR_MS = 3_600_000;
const logger = pino({ level: 'silent' });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const jobOf = (userId: string, requestId: string): NewJob => {
  const job = newJob(requestId);
  return { ...job, request: { ...job.request, userId } };
};
const idsIn = (jobs: readonly NewJob[]) => jobs.map(({ request }) => request.requestId);

describe.each([1, 4])('with %i shards, a message with the requestId of another user', (count) => {
  /** With four shards, each has a shard of its own. */
  const USERS = ['user-0', 'user-1', 'user-4', 'user-5'];
  let around: Awaited<ReturnType<typeof openQueue>>;
  beforeEach(async () => {
    around = await openQueue(undefined, count);
    cleanups.push(() => around.close());
    expect(new Set(USERS.map((userId) => around.shards.of(userId))).size).toBe(count);
  });

  /** Adds jobs as a worker does, and notes whose it works on: `{requestId} of {userId}`. */
  function openWorker(begun: string[]) {
    const redis = around.redis.duplicate();
    const runner = createJobRunner({
      refuse: async () => {},
      seals: plainTexts,
      ...jobLimits,
      ...{ shards: around.shards, redis, concurrency: 50, attempts: 3 },
      ...{ finishedJobTextMs: 0, redeliveryWindowMs: HOUR_MS, logger },
    });
    runner.start(async (job) => {
      begun.push(`${job.data.request.requestId} of ${job.data.request.userId}`);
      await job.complete({ status: 'completed' } as ChatJobResult);
    });
    cleanups.push(async () => {
      await runner.stop(0, () => {});
      redis.disconnect();
    });
    return runner;
  }
  const allDone = () =>
    until('nothing is left to do', async () => {
      const counts = await Promise.all(
        around.shards.all.map(({ queue }) => queue.getJobCounts('wait', 'prioritized', 'delayed', 'active')),
      );
      return counts.every((states) => Object.values(states).every((number) => number === 0));
    });

  test('is a duplicate, also long after that one was answered', async () => {
    const begun: string[] = [];
    const { add } = openWorker(begun);
    await add([jobOf(USERS[0]!, 'a')]);
    await allDone();
    for (const userId of USERS) await add([jobOf(userId, 'a')]);
    await allDone();
    expect(begun).toEqual([`a of ${USERS[0]}`]);
  });

  test('is a duplicate if both come in one batch: the first has the id', async () => {
    const begun: string[] = [];
    await openWorker(begun).add(USERS.toReversed().map((userId) => jobOf(userId, 'a')));
    await allDone();
    expect(begun).toEqual([`a of ${USERS.at(-1)}`]);
  });

  test('makes no second job, however many workers add both at the same time', async () => {
    const begun: string[] = [];
    const workers = Array.from({ length: 3 }, () => openWorker(begun));
    const requestIds = Array.from({ length: 40 }, (_, i) => `request ${i}`);
    await Promise.all(
      requestIds.flatMap((requestId) =>
        USERS.map((userId, i) => workers[i % workers.length]!.add([jobOf(userId, requestId)])),
      ),
    );
    await allDone();
    const answered = begun.map((line) => line.slice(0, line.indexOf(' of ')));
    expect(answered.sort()).toEqual(requestIds.sort());
  });
});

describe('a claim', () => {
  let around: Awaited<ReturnType<typeof openQueue>>;
  beforeEach(async () => {
    around = await openQueue(undefined, 4);
    cleanups.push(() => around.close());
  });
  const claim = (jobs: NewJob[], rememberMs = HOUR_MS) =>
    claimRequestIds(around.shards, around.redis, jobs, { rememberMs });
  const buckets = () => around.redis.keys('{healify:*}:chat:claims:*:*');

  test('is made again by the same message that comes again', async () => {
    const jobs = [jobOf('user-0', 'a'), jobOf('user-1', 'b')];
    expect(await claim(jobs)).toEqual(jobs);
    expect(await claim(jobs)).toEqual(jobs);
    expect(idsIn(await claim([jobOf('user-1', 'a'), jobOf('user-1', 'c'), jobOf('user-0', 'b')]))).toEqual(['c']);
  });

  test('holds for a day at least, and as long as finished requests are recognised if that is longer', async () => {
    for (const [rememberMs, leastMs] of [
      [HOUR_MS, 24 * HOUR_MS],
      [48 * HOUR_MS, 48 * HOUR_MS],
    ] as const) {
      await around.redis.flushdb();
      await claim([jobOf('user-0', 'a')], rememberMs);
      const [bucket] = await buckets();
      expect(await around.redis.pttl(bucket!)).toBeGreaterThan(leastMs);
    }
  });

  test('takes less than 30 bytes, also after there were many, and most are found again', async () => {
    const COUNT = 200_000;
    for (let first = 0; first < COUNT; first += 2_000)
      await claim(Array.from({ length: 2_000 }, (_, i) => jobOf(`user-${first + i}`, `many-${first + i}`)));
    const keys = await buckets();
    const sizes = await Promise.all(keys.map((key) => around.redis.memory('USAGE', key)));
    expect(sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) / COUNT).toBeLessThan(30);
    expect(await claim(Array.from({ length: 1_000 }, (_, i) => jobOf(`user-${i + 1}`, `many-${i}`)))).not.toHaveLength(
      1_000,
    );
  }, 120_000);
});
