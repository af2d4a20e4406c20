import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pino from 'pino';
import { cancelRequests } from '../../../src/adapters/jobs/cancel-requests.ts';
import { type ChatJobResult, jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import {
  addJobs,
  countWaiting,
  forgetJobs,
  jobStates,
  type NewJob,
  promoteJobs,
} from '../../../src/adapters/jobs/job-queue.ts';
import { lookAtJobs, placesInLine } from '../../../src/adapters/jobs/place-in-line.ts';
import { createRetryRunAdmin } from '../../../src/adapters/jobs/retry-runs/retry-run-admin.ts';
import { createRetryRunDriver } from '../../../src/adapters/jobs/retry-runs/retry-run-driver.ts';
import { createJobRunner } from '../../../src/adapters/jobs/runner/job-runner.ts';
import { RetryRunActiveError } from '../../../src/contracts/retry-runs.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { until } from '../../until.ts';
import { newJob } from './runner/new-job.ts';
import { type Fate, jobLimits, openSearch, type Search } from './search/search-around.ts';

const SHARDS = 3;
/** Some users of each shard. */
const USERS = ['user-0', 'user-1', 'user-2', 'user-3', 'user-4', 'user-5', 'user-6', 'user-7'];
const logger = pino({ level: 'silent' });

let search: Search;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  search = await openSearch(undefined, SHARDS);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await search.close();
});

test('the users of these tests are in all shards', () => {
  expect(new Set(USERS.map((userId) => search.shards.of(userId).index)).size).toBe(SHARDS);
});

/** Jobs of a user, as the bridge makes them. */
const jobsOf = (userId: string, count: number): NewJob[] =>
  Array.from({ length: count }, (_, i) => {
    const job = newJob(`${userId} ${i}`);
    return { ...job, request: { ...job.request, userId } };
  });
/** Puts jobs into the line; nobody works on them. */
const wait = async (...jobs: NewJob[]) => {
  for (const job of jobs)
    await addJobs(search.shards.of(job.request.userId), search.redis, [job], { attempts: 3, room: 0 });
};
const fail = async (failWith: string, users: readonly string[] = USERS) => {
  const ids: string[] = [];
  for (const userId of users) ids.push(await search.add({ failWith }, { userId }));
  await until('all have failed', async () => {
    const stories = await Promise.all(ids.map((id) => search.admin.show(id)));
    return stories.every((story) => story?.status === 'failed');
  });
  return ids;
};

/** A worker that notes what it works on, in its order, and ends a job when the test says so. */
function openWorker(concurrency: number) {
  const connection = search.redis.duplicate();
  const runner = createJobRunner({
    refuse: async () => {},
    seals: plainTexts,
    ...jobLimits,
    ...{ shards: search.shards, redis: connection, concurrency, attempts: 3 },
    ...{ finishedJobTextMs: 0, redeliveryWindowMs: 3_600_000, logger },
  });
  const begun: string[] = [];
  const inHand = new Map<string, { end: () => void; signal: AbortSignal }>();
  cleanups.push(async () => {
    await runner.stop(0, () => {
      for (const { end } of inHand.values()) end();
    });
    connection.disconnect();
  });
  return {
    runner,
    begun,
    inHand,
    start: () =>
      runner.start(async (job) => {
        const { requestId } = job.data.request;
        begun.push(requestId);
        const { promise, resolve } = Promise.withResolvers<void>();
        inHand.set(requestId, { end: resolve, signal: job.signal });
        await promise;
        inHand.delete(requestId);
        await job.complete({ status: 'completed' } as ChatJobResult);
      }),
    /** Ends the jobs in hand, as they come, until so many were begun. */
    workUntil: (count: number) =>
      until(`${count} were begun`, () => {
        if (begun.length >= count) return true;
        for (const { end } of inHand.values()) end();
        return false;
      }),
  };
}

test('the worker has one limit for all shards, works on each job once, and on the jobs of a user in their order', async () => {
  const jobs = USERS.flatMap((userId) => jobsOf(userId, 6));
  await wait(...jobs);
  expect(await countWaiting(search.shards)).toBe(jobs.length);
  const worker = openWorker(2);
  worker.start();
  let most = 0;
  await until('all are done', async () => {
    most = Math.max(most, worker.inHand.size);
    for (const { end } of worker.inHand.values()) end();
    return (await jobStates(search.shards, search.redis)).states.completed.count === jobs.length;
  });
  expect(most).toBe(2);
  expect([...worker.begun].sort()).toEqual(jobs.map(({ request }) => request.requestId).sort());
  for (const userId of USERS) {
    const own = worker.begun.filter((id) => id.startsWith(`${userId} `));
    expect(own).toEqual(jobsOf(userId, 6).map(({ request }) => request.requestId));
  }
});

test('a user of another shard has a part of the places although one user has taken all', async () => {
  const [one] = USERS;
  const other = USERS.find((userId) => search.shards.of(userId) !== search.shards.of(one!))!;
  await wait(...jobsOf(one!, 60));
  const worker = openWorker(4);
  worker.start();
  await until('all places are taken', () => worker.inHand.size === 4);
  await wait(...jobsOf(other, 10));
  await worker.workUntil(34);
  expect(worker.begun.filter((id) => id.startsWith(`${other} `))).toHaveLength(10);
});

test('jobs that are added begin at once in every shard', async () => {
  const worker = openWorker(8 * SHARDS);
  worker.start();
  await search.processesWait(SHARDS);
  const jobs = USERS.flatMap((userId) => jobsOf(userId, 1));
  expect(await worker.runner.add(jobs)).toBe(0);
  await until('all have begun', () => worker.begun.length === jobs.length);
  expect(await lookAtJobs(search.shards, search.redis)).toMatchObject({ untaken: 0, inHand: 8 });
});

test('how many jobs wait is known of all shards, also of those to which others have added', async () => {
  const { runner } = openWorker(1);
  const [one] = USERS;
  const other = USERS.find((userId) => search.shards.of(userId) !== search.shards.of(one!))!;
  expect(await runner.add(jobsOf(one!, 4))).toBe(4);
  await wait(...jobsOf(other, 2));
  await until('the jobs of others are counted', async () => (await runner.add(jobsOf(one!, 1))) === 6);
});

test('a place in line counts the jobs of all shards that are taken before, and goes down as these are taken', async () => {
  const [one] = USERS;
  const other = USERS.find((userId) => search.shards.of(userId) !== search.shards.of(one!))!;
  await wait(...jobsOf(one!, 5), ...jobsOf(other, 2));
  const places = () =>
    placesInLine(
      search.shards,
      search.redis,
      [`${one} 0`, `${one} 4`, `${other} 1`, `${one} none`].map((requestId) => ({
        requestId,
        shard: search.shards.of(requestId.split(' ')[0]!),
      })),
    );
  expect(await places()).toMatchObject([{ ahead: 0 }, { ahead: 6 }, { ahead: 2 }, { kind: 'none' }]);
  await search.redis.zpopmin(search.shards.of(other).toKey('prioritized'));
  expect(await places()).toMatchObject([{ ahead: 0 }, { ahead: 5 }, { ahead: 0 }, { kind: 'none' }]);
});

test('a request is cancelled and forgotten in the shard where it is', async () => {
  const worker = openWorker(10);
  worker.start();
  const jobs = USERS.map((userId) => jobsOf(userId, 1)[0]!);
  await worker.runner.add(jobs);
  await until('all have begun', () => worker.inHand.size === USERS.length);
  for (const { request } of jobs) {
    const { requestId, userId } = request;
    await cancelRequests(search.shards.of(userId), search.redis, [requestId]);
    await until('its worker knows', () => worker.inHand.get(requestId)!.signal.aborted);
  }
  for (const { end } of worker.inHand.values()) end();
  await until('they are done', async () => (await countStates()).completed.count === USERS.length);
  for (const { request } of jobs) {
    const shard = search.shards.of(request.userId);
    expect(await forgetJobs(shard, search.redis, [request.requestId], { rememberMs: 3_600_000 })).toEqual([]);
    expect(await search.redis.exists(shard.toKey(jobIdOf(request.requestId)))).toBe(0);
  }
});

test('the cancellation of a request leaves jobs of other shards alone, whatever their ids are', async () => {
  const worker = openWorker(10);
  worker.start();
  const [one] = USERS;
  const other = USERS.find((userId) => search.shards.of(userId) !== search.shards.of(one!))!;
  const [a, b] = jobsOf(one!, 2);
  await worker.runner.add([a!, b!]);
  await until('both have begun', () => worker.inHand.size === 2);
  await cancelRequests(search.shards.of(other), search.redis, [a!.request.requestId]);
  // The notice that comes after shows that the first one was heard.
  await cancelRequests(search.shards.of(one!), search.redis, [b!.request.requestId]);
  await until('the second is heard', () => worker.inHand.get(b!.request.requestId)!.signal.aborted);
  expect(worker.inHand.get(a!.request.requestId)!.signal.aborted).toBe(false);
});

test('jobs of all shards that wait for one answer are woken together', async () => {
  search.start();
  const delayed = await Promise.all(USERS.map((userId) => search.add('wait', { userId })));
  await until('they are delayed', async () => (await countStates()).delayed.count === USERS.length);
  for (const id of delayed) search.fates.set(id, 'complete');
  await promoteJobs(search.shards, search.redis, delayed);
  await until('they are done', async () => (await countStates()).completed.count === USERS.length);
});

const countStates = async () => (await jobStates(search.shards, search.redis)).states;

test('an operator finds, retries and cancels jobs of all shards', async () => {
  search.start();
  const fates: Fate[] = ['complete', 'cancel', { failWith: 'model_timeout' }, 'wait'];
  const added: { id: string; userId: string; fate: Fate }[] = [];
  for (const [i, userId] of USERS.entries()) {
    const fate = fates[i % fates.length]!;
    added.push({ id: await search.add(fate, { userId }), userId, fate });
  }
  await until('each is where it will stay', async () => {
    const { completed, failed, delayed } = await countStates();
    return completed.count === 4 && failed.count === 2 && delayed.count === 2;
  });
  const found = [];
  let cursor: string | undefined;
  do {
    const page = await search.admin.search({}, { limit: 3, cursor });
    found.push(...page.jobs.map(({ requestId }) => requestId));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect([...found].sort()).toEqual(added.map(({ id }) => id).sort());
  await until('the ended ones are in the log', async () => {
    for (const { id, userId } of added) {
      const { jobs } = await search.admin.search({ userId }, { limit: 10 });
      if (jobs.length !== 1 || jobs[0]!.requestId !== id) return false;
    }
    return true;
  });
  const [failed] = added.filter(({ fate }) => typeof fate === 'object');
  expect(await search.admin.show(failed!.id)).toMatchObject({
    status: 'failed',
    queue: search.shards.of(failed!.userId).name,
  });
  expect(await search.admin.failures({}, 10)).toMatchObject({ counted: 2, failures: [{ count: 2 }] });
  search.fates.set(failed!.id, 'complete');
  expect(await search.admin.retry(failed!.id)).toBe('retried');
  await until('it is done', async () => (await search.admin.show(failed!.id))?.status === 'completed');
  const [waiting] = added.filter(({ fate }) => fate === 'wait');
  search.fates.set(waiting!.id, 'cancel');
  expect(await search.admin.cancel(waiting!.id)).toBe('cancelling');
  await until('it is cancelled', async () => (await search.admin.show(waiting!.id))?.status === 'cancelled');
  expect(await search.admin.cancel('unknown')).toBe('none');
});

test('a run retries the failed jobs of all shards, as one run', async () => {
  search.start();
  const ids = await fail('model_timeout');
  await fail('model_rejected', USERS.slice(0, 2));
  const runs = createRetryRunAdmin(search.shards, search.redis);
  const wanted = { code: 'model_timeout', limit: 1_000, rate: 1_000, by: 'u-admin' };
  const run = await runs.start(wanted);
  expect(run).toMatchObject({ state: 'running', matching: USERS.length, retried: 0, rate: 1_000 });
  await expect(runs.start(wanted)).rejects.toThrow(RetryRunActiveError);
  expect(await runs.list()).toMatchObject([{ id: run.id }]);
  for (const id of ids) search.fates.set(id, 'complete');
  const driver = createRetryRunDriver({ shards: search.shards, redis: search.redis, logger });
  driver.start();
  cleanups.push(() => driver.stop());
  const ended = await until('it has ended', async () => {
    const seen = await runs.show(run.id);
    return seen?.endedAt ? seen : undefined;
  });
  expect(ended).toMatchObject({ state: 'finished', matching: USERS.length, retried: USERS.length, left: 0 });
  await until('all are answered', async () => (await countStates()).completed.count === USERS.length);
  expect((await countStates()).failed.count).toBe(2);
});

test('a run is stopped in all shards', async () => {
  search.start();
  await fail('model_timeout');
  const runs = createRetryRunAdmin(search.shards, search.redis);
  const run = await runs.start({ code: 'model_timeout', limit: 1_000, rate: 1, by: 'u-admin' });
  expect(await runs.stop(run.id)).toMatchObject({ state: 'stopped', left: USERS.length });
  const next = await runs.start({ code: 'model_timeout', limit: 2, rate: 1, by: 'u-admin' });
  expect(next).toMatchObject({ state: 'running', matching: 2, rate: 1 });
});

test('where two users have a job with the same id, that of the other stays', async () => {
  const [ann, bob] = [USERS[0]!, USERS.find((user) => search.shards.of(user) !== search.shards.of(USERS[0]!))!];
  const [job] = jobsOf(ann, 1);
  const { requestId } = job!.request;
  await wait(job!, { ...job!, request: { ...job!.request, userId: bob } });
  for (const shard of search.shards.all)
    await forgetJobs(shard, search.redis, [requestId], { rememberMs: 60_000, userId: ann });
  const isThere = (user: string) => search.redis.exists(search.shards.of(user).toKey(jobIdOf(requestId)));
  expect(await Promise.all([isThere(ann), isThere(bob)])).toEqual([0, 1]);
});
