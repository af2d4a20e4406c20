import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jobIdOf } from '../../../../src/adapters/jobs/chat-job.ts';
import { createRetryRunAdmin } from '../../../../src/adapters/jobs/retry-runs/retry-run-admin.ts';
import { createRetryRunDriver } from '../../../../src/adapters/jobs/retry-runs/retry-run-driver.ts';
import { JOBS_PREFIX } from '../../../../src/contracts/queues.ts';
import { redisKeys } from '../../../../src/contracts/redis-keys.ts';
import { RetryRunActiveError, type RetryRunAdmin } from '../../../../src/contracts/retry-runs.ts';
import { captureLog } from '../../../captured-log.ts';
import { until } from '../../../until.ts';
import { openSearch, type Search } from '../search/search-around.ts';

const CODE = 'model_timeout';
const wanted = { code: CODE, limit: 1_000, rate: 1_000, by: 'u-admin' };
const { logger } = captureLog();
let search: Search;
let runs: RetryRunAdmin;
let drivers: { stop(): void }[];

beforeEach(async () => {
  search = await openSearch();
  search.start();
  runs = createRetryRunAdmin(search.shards, search.redis);
  drivers = [];
});
afterEach(async () => {
  for (const driver of drivers) driver.stop();
  await search.close();
});

function drive(apis = 1): void {
  for (let i = 0; i < apis; i += 1) {
    const driver = createRetryRunDriver({ shards: search.shards, redis: search.redis, logger });
    driver.start();
    drivers.push(driver);
  }
}

const statusOf = async (requestId: string) => (await search.admin.show(requestId))?.status;
const untilStatus = (requestId: string, status: string) =>
  until(`it is ${status}`, async () => (await statusOf(requestId)) === status);
async function fail(count: number, code = CODE): Promise<string[]> {
  const ids = [];
  for (let i = 0; i < count; i += 1) ids.push(await search.add({ failWith: code }));
  for (const id of ids) await untilStatus(id, 'failed');
  return ids;
}
const untilEnded = (id: string) =>
  until('the run has ended', async () => {
    const run = await runs.show(id);
    return run?.endedAt ? run : undefined;
  });
const takenOf = (requestId: string) => search.redis.hget(search.toKey(jobIdOf(requestId)), 'ats');

test('all failed jobs of a code are retried once, however many apis drive the run, even if they fail again', async () => {
  const failed = await fail(40);
  const others = await fail(2, 'model_rejected');
  expect(await runs.count({ limit: 30 })).toMatchObject({ matching: 30 });
  const begun = await runs.start(wanted);
  expect(begun).toMatchObject({ state: 'running', code: CODE, by: 'u-admin', matching: 40, retried: 0, left: 40 });
  drive(3);
  expect(await untilEnded(begun.id)).toMatchObject({ state: 'finished', matching: 40, retried: 40, left: 0 });
  for (const id of failed) await untilStatus(id, 'failed');
  for (const id of failed) expect(await takenOf(id)).toBe('2');
  for (const id of others) expect(await takenOf(id)).toBe('1');
  expect(await runs.list()).toMatchObject([{ id: begun.id, state: 'finished' }]);
});

test('a job that somebody else retried, and that has failed again since, is not among those of the run', async () => {
  const [mine, ...rest] = await fail(3);
  const run = await runs.start(wanted);
  expect(await search.admin.retry(mine!)).toBe('retried');
  await until('it has failed again', async () => (await takenOf(mine!)) === '2');
  await untilStatus(mine!, 'failed');
  drive();
  expect(await untilEnded(run.id)).toMatchObject({ matching: 3, retried: 2, left: 0 });
  for (const id of rest) await until('it was retried', async () => (await takenOf(id)) === '2');
  expect(await takenOf(mine!)).toBe('2');
});

test('one run of a code goes at a time, and one of another code beside it; it goes at its rate until somebody stops it', async () => {
  const failed = await fail(5);
  await fail(1, 'model_rejected');
  const slow = await runs.start({ ...wanted, rate: 0.01 });
  await expect(runs.start(wanted)).rejects.toThrow(RetryRunActiveError);
  const other = await runs.start({ ...wanted, code: 'model_rejected' });
  drive(2);
  expect(await untilEnded(other.id)).toMatchObject({ retried: 1 });
  expect(await runs.show(slow.id)).toMatchObject({ state: 'running', retried: 1, left: 4 });
  expect(await runs.stop(slow.id)).toMatchObject({ state: 'stopped', retried: 1, left: 4 });
  expect(await runs.stop(slow.id)).toMatchObject({ state: 'stopped' });
  const taken = await Promise.all(failed.map(takenOf));
  expect(taken.filter((times) => times === '1')).toHaveLength(4);
  expect(await runs.stop('no such run')).toBeUndefined();
  const last = await runs.start({ ...wanted, limit: 2 });
  expect(await untilEnded(last.id)).toMatchObject({ matching: 2, retried: 2 });
});

test('if Redis has lost the list of its jobs, a run ends and says so, and another one can begin', async () => {
  await fail(2);
  const run = await runs.start(wanted);
  await search.redis.del(redisKeys.retryRunJobs(JOBS_PREFIX, run.id));
  drive();
  expect(await untilEnded(run.id)).toMatchObject({
    state: 'failed',
    problem: 'Redis has lost the list of its jobs.',
    left: 2,
  });
  const next = await runs.start(wanted);
  await search.redis.del(redisKeys.retryRun(JOBS_PREFIX, next.id));
  const last = await until('another one can begin', () => runs.start(wanted).catch(() => undefined));
  expect(await untilEnded(last.id)).toMatchObject({ state: 'finished', retried: 2 });
});
