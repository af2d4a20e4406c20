import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jobIdOf } from '../../../../src/adapters/jobs/chat-job.ts';
import { logMissingJobs } from '../../../../src/adapters/jobs/search/log-missing-jobs.ts';
import { InvalidCursorError, type JobFilter } from '../../../../src/contracts/jobs.ts';
import { until } from '../../../until.ts';
import { jobLimits, openSearch, type Search } from './search-around.ts';

let search: Search;
beforeEach(async () => {
  search = await openSearch();
});
afterEach(() => search.close());

const find = async (filter: JobFilter, limit = 100) => {
  const { jobs } = await search.admin.search(filter, { limit });
  return jobs.map(({ requestId }) => requestId);
};
async function pagesOf(filter: JobFilter, limit: number) {
  const pages = [];
  let cursor: string | undefined;
  do {
    const page = await search.admin.search(filter, { limit, cursor });
    pages.push(page.jobs);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return pages;
}
const untilFound = (filter: JobFilter, count: number) =>
  until('they are found', async () => (await find(filter)).length === count);

test('jobs are found by user, session, status, code and request, whatever has become of them', async () => {
  search.start();
  const failed = await search.add({ failWith: 'model_timeout' }, { userId: 'ann', sessionId: 's1' });
  const other = await search.add({ failWith: 'model_rejected' }, { userId: 'bob', sessionId: 's2' });
  const completed = await search.add('complete', { userId: 'ann', sessionId: 's3' });
  const cancelled = await search.add('cancel', { userId: 'bob', sessionId: 's3' });
  const delayed = await search.add('wait', { userId: 'ann', sessionId: 's4' });
  await untilFound({}, 5);
  await untilFound({ userId: 'ann' }, 3);
  await untilFound({ sessionId: 's3' }, 2);

  expect((await find({ userId: 'ann' })).sort()).toEqual([failed, completed, delayed].sort());
  expect((await find({ sessionId: 's3' })).sort()).toEqual([completed, cancelled].sort());
  expect(await find({ code: 'model_timeout' })).toEqual([failed]);
  expect((await find({ status: 'failed' })).sort()).toEqual([failed, other].sort());
  expect(await find({ status: 'completed' })).toEqual([completed]);
  expect(await find({ status: 'cancelled' })).toEqual([cancelled]);
  expect(await find({ status: 'delayed' })).toEqual([delayed]);
  expect(await find({ status: 'waiting' })).toEqual([]);
  expect(await find({ userId: 'bob', code: 'model_rejected' })).toEqual([other]);
  expect(await find({ userId: 'bob', code: 'model_timeout' })).toEqual([]);
  expect(await find({ requestId: cancelled })).toEqual([cancelled]);
  expect(await find({ requestId: cancelled, userId: 'ann' })).toEqual([]);
});

test('jobs that no worker has taken yet are found, and words in a question do not make it another user’s', async () => {
  const mine = await search.add('complete', { userId: 'ann', message: '"userId":"bob"' });
  expect(await find({ userId: 'ann' })).toEqual([mine]);
  expect(await find({ userId: 'ann', status: 'waiting' })).toEqual([mine]);
  expect(await find({ userId: 'bob' })).toEqual([]);
});

test('jobs are found by the time when they ended', async () => {
  search.start();
  await search.add({ failWith: 'model_timeout' });
  await untilFound({ status: 'failed' }, 1);
  const before = Date.now();
  await until('another millisecond has begun', async () => Date.now() > before);
  const middle = Date.now();
  const later = await search.add({ failWith: 'model_timeout' });
  await untilFound({ status: 'failed' }, 2);
  for (const filter of [{ status: 'failed' }, { code: 'model_timeout' }] satisfies JobFilter[]) {
    expect(await find({ ...filter, from: middle })).toEqual([later]);
    expect(await find({ ...filter, until: middle })).not.toContain(later);
    expect(await find({ ...filter, until: middle })).toHaveLength(1);
  }
});

test.each([{}, { status: 'failed' }, { code: 'model_timeout' }, { userId: 'u' }] satisfies JobFilter[])(
  'pages of %p have each job once, the latest first',
  async (filter) => {
    search.start();
    for (let i = 0; i < 25; i += 1) await search.add({ failWith: 'model_timeout' });
    // A job that ends between two pages may be on neither.
    await untilFound({ ...filter, status: 'failed' }, 25);
    const pages = await pagesOf(filter, 7);
    expect(pages.map(({ length }) => length).filter((length) => length > 0)).toEqual([7, 7, 7, 4]);
    const all = pages.flat();
    expect(new Set(all.map(({ requestId }) => requestId)).size).toBe(25);
    const times = all.map(({ endedAt }) => Date.parse(endedAt!));
    // A job's line is written a moment before the job is moved to the failed ones.
    for (const [i, time] of times.slice(1).entries()) expect(time).toBeLessThanOrEqual(times[i]! + 100);
  },
);

test('a job that was retried and fails again within a minute is found once, on whichever page', async () => {
  search.start();
  const again = await search.add({ failWith: 'model_timeout' });
  await untilFound({ code: 'model_timeout' }, 1);
  const others = [await search.add({ failWith: 'model_timeout' }), await search.add({ failWith: 'model_timeout' })];
  await untilFound({ code: 'model_timeout' }, 3);
  const firstEnd = (await search.admin.show(again))!.endedAt;
  await search.admin.retry(again);
  await until('it has failed again', async () => {
    const { status, endedAt } = (await search.admin.show(again))!;
    return status === 'failed' && endedAt !== firstEnd;
  });
  const found = (await pagesOf({ code: 'model_timeout' }, 1)).flat().map(({ requestId }) => requestId);
  expect(found[0]).toBe(again);
  expect(found.slice(1).sort()).toEqual(others.sort());
});

test('of a line of any length, a search keeps no more jobs than it can show, and no page lacks one', async () => {
  const ids = [];
  for (let i = 0; i < 60; i += 1) ids.push(await search.add('complete'));
  const found = (await pagesOf({}, 2)).flat().map(({ requestId }) => requestId);
  expect(found.sort()).toEqual(ids.sort());
});

test('a job that was retried or removed is not among the failed ones any more', async () => {
  search.start();
  const retried = await search.add({ failWith: 'model_timeout' });
  const removed = await search.add({ failWith: 'model_timeout' });
  const stays = await search.add({ failWith: 'model_timeout' });
  await untilFound({ code: 'model_timeout' }, 3);
  await search.queue.remove(jobIdOf(removed));
  search.fates.set(retried, 'wait');
  expect(await search.admin.retry(retried)).toBe('retried');
  expect(await find({ code: 'model_timeout' })).toEqual([stays]);
});

test('a cursor that came from no page is refused', async () => {
  for (const cursor of ['x', Buffer.from('nonsense').toString('base64url')]) {
    await expect(search.admin.search({}, { limit: 1, cursor })).rejects.toThrow(InvalidCursorError);
  }
});

test('jobs that the log lacks are found once a worker has started', async () => {
  search.start();
  const failed = await search.add({ failWith: 'model_timeout' }, { userId: 'ann' });
  const completed = await search.add('complete', { userId: 'ann' });
  await untilFound({ userId: 'ann' }, 2);
  await search.redis.del(search.toKey('failed-log'), search.toKey('completed-log'));
  expect(await find({ userId: 'ann' })).toEqual([]);
  await logMissingJobs(search.shards, search.redis, jobLimits);
  expect((await find({ userId: 'ann' })).sort()).toEqual([failed, completed].sort());
  const before = await search.redis.lrange(search.toKey('failed-log'), 0, -1);
  await logMissingJobs(search.shards, search.redis, jobLimits);
  expect(await search.redis.lrange(search.toKey('failed-log'), 0, -1)).toEqual(before);
});

test('the log names neither users nor sessions, and is no longer than what is kept', async () => {
  search.start();
  for (let i = 0; i < 150; i += 1) await search.add({ failWith: 'model_timeout' }, { userId: 'ann-the-user' });
  await untilFound({ code: 'model_timeout' }, 100);
  const elements = await search.redis.lrange(search.toKey('failed-log'), 0, -1);
  expect(elements.join('')).not.toContain('ann-the-user');
  // 50 lines in each, so that they are read quickly.
  expect(elements.length).toBeLessThanOrEqual(3);
  expect(await search.redis.pttl(search.toKey('failed-log'))).toBeGreaterThan(0);
});
