import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createEveryShard } from '../../../src/adapters/jobs/every-shard.ts';
import { addJobs, forgetJobs } from '../../../src/adapters/jobs/job-queue.ts';
import { openJobShards } from '../../../src/adapters/jobs/job-shards.ts';
import { createUsersJobs } from '../../../src/adapters/jobs/jobs-of-user.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { until } from '../../until.ts';
import { openSearch } from './search/search-around.ts';

let search: Awaited<ReturnType<typeof openSearch>>;
beforeEach(async () => {
  search = await openSearch();
});
afterEach(() => search.close());

const newJob = (userId: string, sessionId: string = randomUUID()) => ({
  request: {
    ...{ version: 1 as const, requestId: randomUUID(), sessionId, userId, context: [], cache: true },
    // A text that looks like a field of somebody else.
    ...{ message: '","userId":"bob","sessionId":"none', priority: 'interactive' as const },
  },
  traceparent: '',
  receivedAt: new Date().toISOString(),
});

test('jobs of a user are found in every shard, and not those of others', async () => {
  const shards = openJobShards(search.redis, 3);
  const jobs = createUsersJobs(shards, search.redis, plainTexts);
  const [mine, other] = [newJob('ann'), newJob('bob')];
  // JOB_SHARDS may have been another number when it was added.
  for (const shard of shards.all) await addJobs(shard, search.redis, [newJob('ann', 's')], { attempts: 1 });
  await addJobs(shards.of('ann'), search.redis, [mine, other], { attempts: 1 });
  const found = await jobs.find({ userId: 'ann' });
  expect(found.map(({ sessionId }) => sessionId).sort()).toEqual([mine.request.sessionId, 's', 's', 's'].sort());
  expect(await jobs.find({ userId: 'ann', sessionId: 's' })).toHaveLength(3);
  expect(await jobs.places('ann')).not.toEqual([]);
  await jobs.erasePlaces('ann');
  expect(await jobs.places('ann')).toEqual([]);
  expect(await jobs.places('bob')).toHaveLength(1);
  await shards.close();
});

test.each([
  [1, 3],
  [3, 1],
  [8, 2],
])(
  'jobs are found and removed that were added when there were %i queues, now that there are %i',
  async (before, now) => {
    const [earlier, today] = [openJobShards(search.redis, before), openJobShards(search.redis, now)];
    for (const shard of earlier.all) await addJobs(shard, search.redis, [newJob('zoe')], { attempts: 1 });
    const jobs = createUsersJobs(today, search.redis, plainTexts);
    const found = await jobs.find({ userId: 'zoe' });
    expect(found).toHaveLength(before);
    const kept = [];
    for await (const job of jobs.kept('zoe')) kept.push(job.request?.userId);
    expect(kept).toEqual(found.map(() => 'zoe'));
    expect((await jobs.places('zoe')).length).toBeGreaterThan(0);

    for (const shard of await createEveryShard(today, search.redis)()) {
      const requestIds = found.map(({ requestId }) => requestId);
      expect(await forgetJobs(shard, search.redis, requestIds, { rememberMs: 60_000 })).toEqual([]);
    }
    await jobs.erasePlaces('zoe');
    expect(await jobs.find({ userId: 'zoe' })).toEqual([]);
    expect(await jobs.places('zoe')).toEqual([]);
    await Promise.all([earlier.close(), today.close()]);
  },
);

test('ended jobs are found, with the lines by which they are searched for; only the lines of the user are erased', async () => {
  const jobs = createUsersJobs(search.shards, search.redis, plainTexts);
  const linesOf = async (userId: string) => {
    let count = 0;
    for await (const _ of jobs.lines({ userId })) count++;
    return count;
  };
  search.start();
  for (let i = 0; i < 120; i++) await search.add('complete', { userId: i % 2 ? 'ann' : 'bob' });
  await until('they are logged', async () => (await linesOf('bob')) === 60);
  expect(await jobs.find({ userId: 'ann' })).toHaveLength(60);
  await until('those of ann as well', async () => (await linesOf('ann')) === 60);
  await jobs.eraseLines({ userId: 'ann' });
  expect(await linesOf('ann')).toBe(0);
  expect(await linesOf('bob')).toBe(60);
});

test('a job of a refused user is not added, and others are', async () => {
  const { shards, redis } = search;
  const jobs = createUsersJobs(shards, redis, plainTexts);
  expect(await jobs.areRefused('ann')).toBe(false);
  await jobs.refuse('ann');
  expect(await jobs.areRefused('ann')).toBe(true);
  const added = await addJobs(shards.of('ann'), redis, [newJob('ann'), newJob('bob'), newJob('ann')], { attempts: 1 });
  expect(added).toMatchObject({ untaken: 1, refused: [0, 2] });
  expect(await jobs.find({ userId: 'ann' })).toEqual([]);
  const [bobs] = await jobs.find({ userId: 'bob' });
  await forgetJobs(shards.of('bob'), redis, [bobs!.requestId], { rememberMs: 60_000 });
  expect(await jobs.find({ userId: 'bob' })).toEqual([]);
});
