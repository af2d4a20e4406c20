import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createSweepRecords, type SweepRecords } from '../../../src/adapters/retention/sweep-records.ts';
import { createSweeper, type Sweep } from '../../../src/adapters/retention/sweeper.ts';
import { SWEEPS_KEY } from '../../../src/contracts/redis-keys.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

let redis: Redis;
let records: SweepRecords;
const sweepers: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
beforeEach(async () => {
  await redis.flushdb();
  records = createSweepRecords(redis);
});
afterEach(() => Promise.all(sweepers.splice(0).map((sweeper) => sweeper.stop())));
afterAll(() => redis.disconnect());

function start(
  sweeps: { completed_jobs: Sweep; failed_jobs?: Sweep },
  times: { everyMs?: number; leaseMs?: number } = {},
) {
  const sweeper = createSweeper({ records, sweeps, logger: pino({ level: 'silent' }), everyMs: 50, ...times });
  sweepers.push(sweeper);
  sweeper.start();
  return sweeper;
}

test('what every sweep removed is recorded, and when', async () => {
  const removed = [3, 0, 2, 0];
  start({ completed_jobs: async () => removed.shift() ?? 0 });
  const { completed_jobs: record } = await until('all are removed', async () => {
    const read = await records.read();
    return read.completed_jobs?.total === 5 && read.completed_jobs.removed === 0 && read;
  });
  expect(record).toEqual({
    ...{ doneAt: expect.any(String), removed: 0, lastRemovedAt: expect.any(String), total: 5, failingSince: null },
  });
  expect(Date.parse(record!.lastRemovedAt!)).toBeLessThanOrEqual(Date.parse(record!.doneAt!));
});

test('a sweep that fails is made again, and does not hinder the others', async () => {
  let mayFail = true;
  let others = 0;
  const failing = async () => {
    if (mayFail) throw new Error('not now');
    return 1;
  };
  start({ completed_jobs: failing, failed_jobs: async () => ++others });
  await until('the other was made twice', () => others >= 2);
  const { completed_jobs: first } = await records.read();
  expect(first).toMatchObject({ doneAt: null, failingSince: expect.any(String) });
  const later = await until('it was tried again', async () => {
    await until('another round', () => others >= 4);
    return (await records.read()).completed_jobs;
  });
  expect(later).toEqual(first);
  mayFail = false;
  await until('it was made', async () => (await records.read()).completed_jobs?.failingSince === null);
});

test('a sweep that cannot look now leaves its record, so that its age shows', async () => {
  let others = 0;
  start({ completed_jobs: async () => undefined, failed_jobs: async () => ++others });
  await until('some rounds', () => others >= 3);
  expect((await records.read()).completed_jobs).toMatchObject({ doneAt: null, failingSince: null });
});

test('of several processes one sweeps at a time, and none in between', async () => {
  let underWay = 0;
  let most = 0;
  const beganAt: number[] = [];
  const sweep = async () => {
    most = Math.max(most, ++underWay);
    beganAt.push(performance.now());
    await new Promise((resolve) => setTimeout(resolve, 20));
    underWay -= 1;
    return 0;
  };
  for (let count = 0; count < 5; count++) start({ completed_jobs: sweep }, { everyMs: 400 });
  await until('some rounds', () => beganAt.length >= 4);
  expect(most).toBe(1);
  const pausesMs = beganAt.slice(1).map((at, index) => at - beganAt[index]!);
  expect(Math.min(...pausesMs)).toBeGreaterThan(300);
});

test('if the process that sweeps dies, another one goes on', async () => {
  // It is dead, and has left the lease.
  await redis.set(`${SWEEPS_KEY}:lease`, 'the dead', 'PX', 500);
  let made = 0;
  start({ completed_jobs: async () => ++made });
  await until('another one sweeps', () => made > 0);
  expect(await redis.get(`${SWEEPS_KEY}:lease`)).not.toBe('the dead');
});

test('a process that stops begins no further sweep', async () => {
  let release = () => {};
  let others = 0;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = false;
  const first = () => {
    begun = true;
    return held.then(() => 1);
  };
  const sweeper = start({ completed_jobs: first, failed_jobs: async () => ++others });
  await until('it sweeps', () => begun);
  const stopped = sweeper.stop();
  release();
  await stopped;
  expect(others).toBe(0);
  expect((await records.read()).completed_jobs?.total).toBe(1);
});
