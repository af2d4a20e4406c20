import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jobIdOf } from '../../../../src/adapters/jobs/chat-job.ts';
import { until } from '../../../until.ts';
import { openSearch, type Search } from './search-around.ts';

let search: Search;
beforeEach(async () => {
  search = await openSearch();
});
afterEach(() => search.close());

const statusOf = async (requestId: string) => (await search.admin.show(requestId))?.status;
const untilStatus = (requestId: string, status: string) =>
  until(`it is ${status}`, async () => (await statusOf(requestId)) === status);
const manyFail = async (count: number, code: string, userId = 'u') => {
  const ids = [];
  for (let i = 0; i < count; i += 1) ids.push(await search.add({ failWith: code }, { userId }));
  for (const id of ids) await untilStatus(id, 'failed');
  return ids;
};
const endedAt = async (requestId: string) => Date.parse((await search.admin.show(requestId))!.endedAt!);
const all = { limit: 1_000, rate: 1_000, dryRun: false };

test('a job’s story has its steps, attempts, times and trace, and never its text', async () => {
  search.start();
  const failed = await search.add({ failWith: 'model_timeout' }, { message: 'a secret question' });
  const completed = await search.add('complete', { message: 'a secret question' });
  await untilStatus(failed, 'failed');
  await untilStatus(completed, 'completed');
  const stories = [await search.admin.show(failed), await search.admin.show(completed)];
  expect(stories).toMatchObject([
    {
      requestId: failed,
      status: 'failed',
      code: 'model_timeout',
      cause: 'ask-model: model_timeout: the model did not answer',
      steps: [{ step: 'ask-model', attempt: 1, ms: 12.5, failed: null }],
      failures: ['Error: ask-model: model_timeout: the model did not answer'],
      maxAttempts: 3,
      crashes: 0,
    },
    { requestId: completed, status: 'completed', code: null, traceId: 'a'.repeat(32), userId: 'u', sessionId: 's' },
  ]);
  for (const story of stories) {
    expect(Date.parse(story!.endedAt!)).toBeGreaterThanOrEqual(Date.parse(story!.addedAt));
    expect(JSON.stringify(story)).not.toContain('secret');
  }
  expect(await search.admin.show('no such request')).toBeUndefined();
});

test('retrying all jobs of a code leaves other failures alone', async () => {
  search.start();
  const timeouts = await manyFail(5, 'model_timeout');
  const rejected = await manyFail(3, 'model_rejected');
  const dry = await search.admin.retryAll({ ...all, dryRun: true });
  expect(dry).toEqual({
    ...{ dryRun: true, matching: 8, retried: 0, left: 8 },
    byCode: [
      { code: 'model_timeout', count: 5 },
      { code: 'model_rejected', count: 3 },
    ],
  });
  for (const id of [...timeouts, ...rejected]) search.fates.set(id, 'complete');
  const seen: [number, number][] = [];
  const report = await search.admin.retryAll({ ...all, code: 'model_timeout' }, (done, of) => seen.push([done, of]));
  expect(report).toMatchObject({ matching: 5, retried: 5, left: 0 });
  expect(seen.at(-1)).toEqual([5, 5]);
  for (const id of timeouts) await untilStatus(id, 'completed');
  for (const id of rejected) expect(await statusOf(id)).toBe('failed');
});

test('jobs are retried at the given rate, those that failed first come first, up to the limit', async () => {
  search.start();
  const ids: string[] = [];
  for (let i = 0; i < 6; i += 1) {
    ids.push(...(await manyFail(1, 'model_timeout')));
    // The next one fails in a later millisecond.
    const last = await endedAt(ids.at(-1)!);
    await until('the time goes on', () => Date.now() > last);
  }
  for (const id of ids) search.fates.set(id, 'complete');
  const beganAt = performance.now();
  const report = await search.admin.retryAll({ ...all, code: 'model_timeout', limit: 4, rate: 10 });
  expect(performance.now() - beganAt).toBeGreaterThan(290);
  expect(report).toMatchObject({ matching: 6, retried: 4, left: 2 });
  for (const id of ids.slice(0, 4)) await untilStatus(id, 'completed');
  for (const id of ids.slice(4)) expect(await statusOf(id)).toBe('failed');
});

test('jobs that fail again while others are still to be retried are not retried again', async () => {
  search.start();
  const ids = await manyFail(4, 'model_timeout');
  const takenOf = (requestId: string) => search.redis.hget(search.toKey(jobIdOf(requestId)), 'ats');
  const report = await search.admin.retryAll({ ...all, code: 'model_timeout', rate: 10 });
  expect(report).toMatchObject({ matching: 4, retried: 4, left: 0 });
  for (const id of ids) await until('it has failed again', async () => (await takenOf(id)) === '2');
  for (const id of ids) await untilStatus(id, 'failed');
  for (const id of ids) expect(await takenOf(id)).toBe('2');
});

test('a job that has failed again with another code is retried with those of the new code only', async () => {
  search.start();
  const [id] = await manyFail(1, 'model_timeout');
  search.fates.set(id!, { failWith: 'model_rejected' });
  expect(await search.admin.retry(id!)).toBe('retried');
  await until('it has failed again', async () => (await search.admin.show(id!))?.code === 'model_rejected');
  expect(await search.admin.retryAll({ ...all, dryRun: true, code: 'model_timeout' })).toMatchObject({ matching: 0 });
  expect(await search.admin.retryAll({ ...all, dryRun: true })).toMatchObject({
    byCode: [{ code: 'model_rejected', count: 1 }],
  });
});

test('only a failed job can be retried, and only one that has not ended can be cancelled', async () => {
  search.start();
  const completed = await search.add('complete');
  const delayed = await search.add('wait');
  await untilStatus(completed, 'completed');
  await untilStatus(delayed, 'delayed');
  expect(await search.admin.retry(completed)).toBe('not failed');
  expect(await search.admin.retry('no such request')).toBe('none');
  expect(await search.admin.cancel(completed)).toBe('ended');
  expect(await search.admin.cancel('no such request')).toBe('none');
  search.fates.set(delayed, 'cancel');
  expect(await search.admin.cancel(delayed)).toBe('cancelling');
  await untilStatus(delayed, 'cancelled');
});
