import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { cancelRequest } from '../../../../src/adapters/jobs/cancellations.ts';
import { type ChatJobResult, jobIdOf } from '../../../../src/adapters/jobs/chat-job.ts';
import type { JobInHand } from '../../../../src/adapters/jobs/job-in-hand.ts';
import { addJobs, type NewJob } from '../../../../src/adapters/jobs/job-queue.ts';
import { type ChatQueue, type JobShards, openJobShards } from '../../../../src/adapters/jobs/job-shards.ts';
import { createUsersJobs } from '../../../../src/adapters/jobs/jobs-of-user.ts';
import { createJobRunner, type JobRunner } from '../../../../src/adapters/jobs/runner/job-runner.ts';
import { createSafeWrites } from '../../../../src/adapters/redis/safe-writes.ts';
import { RequestCancelledError, StoreUnavailableError } from '../../../../src/contracts/errors.ts';
import { JOBS_PREFIX } from '../../../../src/contracts/queues.ts';
import { redisKeys } from '../../../../src/contracts/redis-keys.ts';
import { plainTexts } from '../../../../src/contracts/sealing.ts';
import { captureLog } from '../../../captured-log.ts';
import { privateRedis } from '../../../services.ts';
import { startSlowDisk } from '../../../slow-disk.ts';
import { startTcpProxy } from '../../../tcp-proxy.ts';
import { until } from '../../../until.ts';
import { newJob } from './new-job.ts';
import { openQueue } from './queue-around.ts';

let around: Awaited<ReturnType<typeof openQueue>>;
let redis: Redis;
let queue: ChatQueue;
const runners: JobRunner[] = [];
const connections: Redis[] = [];
let refused: string[];
beforeEach(async () => {
  refused = [];
  around = await openQueue();
  ({ redis, queue } = around);
});
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.stop(0, () => {})));
  await around.close();
  for (const connection of connections.splice(0)) connection.disconnect();
});

const newJobs = (count: number) => Array.from({ length: count }, () => newJob());
const state = {
  step: 'ask-model',
  attempt: 1,
  steps: [],
  results: { 'ask-model': 'an answer, paid for' },
  crashes: 0,
};
const result = { status: 'completed' } as ChatJobResult;
const addFromElsewhere = (jobs: NewJob[]) => addJobs(queue, redis, jobs, { attempts: 2 });

function createRunner(options: { concurrency?: number; url?: string; slowDiskUrl?: string; shards?: JobShards } = {}) {
  const { concurrency = 10, url, slowDiskUrl } = options;
  const connection = url ? new Redis(url, { maxRetriesPerRequest: null }) : redis.duplicate();
  connections.push(connection);
  const { logger, lines } = captureLog();
  const safeRedis = slowDiskUrl ? new Redis(slowDiskUrl, { maxRetriesPerRequest: null }) : undefined;
  if (safeRedis) connections.push(safeRedis);
  const safety = { fsync: true, replicas: 0, timeoutMs: 10_000 };
  const runner = createJobRunner({
    shards: options.shards ?? around.shards,
    redis: connection,
    safeWrites: safeRedis && createSafeWrites({ ...safety, redis: safeRedis, logger }),
    seals: plainTexts,
    concurrency,
    attempts: 2,
    completedJobsKept: 1_000,
    finishedJobTextMs: 0,
    redeliveryWindowMs: 3_600_000,
    completedJobsAgeMs: 3_600_000,
    failedJobsKept: 1_000,
    failedJobsAgeMs: 3_600_000,
    refuse: async (jobs) => void refused.push(...jobs.map(({ request }) => request.requestId)),
    logger,
  });
  runners.push(runner);
  return { runner, lines };
}

const isIn = (requestId: string, state: string) =>
  until(`it is ${state}`, async () => (await queue.getJobState(jobIdOf(requestId))) === state);

/** So many runners have found no job, and wait for the sign of one. */
const runnersWait = (count: number) => around.processesWait(count);

/** Has a runner that waits look for jobs, and waits until it has found none. */
async function lookInVain() {
  await redis.zadd(queue.toKey('marker'), 0, '0');
  await until('the sign is taken', async () => (await redis.exists(queue.toKey('marker'))) === 0);
  await runnersWait(1);
}

test('jobs are worked on once each, as many at once as there are places, and all are completed', async () => {
  const { runner } = createRunner({ concurrency: 7 });
  const worked = new Set<string>();
  let atOnce = 0;
  let most = 0;
  runner.start(async (job) => {
    expect(worked.has(job.data.request.requestId)).toBe(false);
    worked.add(job.data.request.requestId);
    atOnce += 1;
    most = Math.max(most, atOnce);
    await sleep(Math.random() * 3);
    atOnce -= 1;
    await job.complete(result);
  });
  for (let i = 0; i < 10; i += 1) await Promise.all([runner.add(newJobs(5)), addFromElsewhere(newJobs(25))]);
  await until('all are worked on', () => worked.size === 300);
  await until('all are completed', async () => (await queue.getCompletedCount()) === 300);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(7);
  expect(await queue.getActiveCount()).toBe(0);
});

test('a job begins as it is added if no job waits: one command adds it, and none looks for it', async () => {
  const { runner } = createRunner();
  const [connection] = connections;
  runner.start((job) => job.complete(result));
  await runnersWait(1);
  const commands = jest.spyOn(connection!, 'sendCommand');
  const counts: number[] = [];
  for (const id of ['a', 'b', 'c']) {
    expect(await runner.add([newJob(id)])).toBe(0);
    await isIn(id, 'completed');
    counts.push(commands.mock.calls.splice(0).length);
  }
  // Added, completed; locks are renewed now and then, and a script that Redis does not know yet comes as a whole.
  expect(Math.min(...counts)).toBeLessThanOrEqual(2);
});

test('a job that will most likely begin at once gets a head start, which is dropped if it does not', async () => {
  const { runner } = createRunner({ concurrency: 2 });
  const log: string[] = [];
  const done = Promise.withResolvers<void>();
  runner.start(
    async (job, headStart) => {
      log.push(`${job.data.request.requestId} ${headStart ? 'with' : 'without'}`);
      await job.complete(result);
      done.resolve();
    },
    ({ request: { requestId } }) => ({ drop: () => log.push(`${requestId} dropped`) }),
  );
  await runnersWait(1);
  // It comes twice, and once more when it is done.
  await runner.add([newJob('a'), newJob('a')]);
  await done.promise;
  await runner.add([newJob('a')]);
  expect(log.splice(0)).toEqual(['a with', 'a dropped']);
  // No room for all of them: they are taken when they wait.
  await runner.add(['b', 'c', 'd'].map(newJob));
  for (const id of ['b', 'c', 'd']) await isIn(id, 'completed');
  expect(log.sort()).toEqual(['b without', 'c without', 'd without']);
});

test('what was added before is taken at the start, and what comes later at its sign', async () => {
  await addFromElsewhere([newJob('before')]);
  const { runner } = createRunner();
  runner.start((job) => job.complete(result));
  await isIn('before', 'completed');
  await runnersWait(1);
  await addFromElsewhere([newJob('later')]);
  await isIn('later', 'completed');
});

describe('a job that is let go of', () => {
  const once = async (letGo: (job: JobInHand) => Promise<unknown>) => {
    const { runner, lines } = createRunner();
    const seen: { attemptsMade: number; at: number }[] = [];
    runner.start(async (job) => {
      seen.push({ attemptsMade: job.attemptsMade, at: Date.now() });
      if (seen.length === 1) await letGo(job);
      else await job.complete(result);
    });
    await runner.add([newJob('a')]);
    return { seen, lines };
  };

  test('to be retried comes again with one attempt used', async () => {
    const { seen } = await once((job) => job.retry(new Error('ask-model: model_timeout: too slow'), 10));
    await isIn('a', 'completed');
    expect(seen.map(({ attemptsMade }) => attemptsMade)).toEqual([0, 1]);
  });

  test('delayed comes again at its time with no attempt used', async () => {
    const { seen } = await once((job) => job.delay(300));
    await isIn('a', 'completed');
    expect(seen.map(({ attemptsMade }) => attemptsMade)).toEqual([0, 0]);
    expect(seen[1]!.at - seen[0]!.at).toBeGreaterThanOrEqual(290);
  });

  test('handed back comes again with no attempt used', async () => {
    const { seen } = await once((job) => job.handBack());
    await isIn('a', 'completed');
    expect(seen.map(({ attemptsMade }) => attemptsMade)).toEqual([0, 0]);
  });

  test('for good is among the failed ones, with its reason and no stack of ours', async () => {
    await once((job) => job.fail(new Error('ask-model: model_refused: no'), state));
    await isIn('a', 'failed');
    const failed = (await queue.getJob(jobIdOf('a')))!;
    expect(failed.failedReason).toBe('ask-model: model_refused: no');
    expect(failed.stacktrace).toEqual(['Error: ask-model: model_refused: no']);
    expect(failed.progress).toEqual(state);
  });

  test('by an unforeseen error is taken up again, and counts as a crash', async () => {
    const { seen, lines } = await once(() => Promise.reject(new Error('unforeseen')));
    await until('it says so', () => lines.some(({ msg }) => /taken up again/.test(String(msg))));
    await until('it comes again', () => seen.length === 2);
    await isIn('a', 'completed');
    expect((await queue.getJob(jobIdOf('a')))!.stalledCounter).toBe(1);
  });
});

describe.each<
  [string, (redis: Redis, user: string) => Promise<unknown>, (redis: Redis, user: string) => Promise<unknown>]
>([
  [
    // As when its disk is full, or it has lost its replicas.
    'takes no writes',
    (redis) => redis.config('SET', 'min-replicas-to-write', '1'),
    (redis) => redis.config('SET', 'min-replicas-to-write', '0'),
  ],
  [
    'denies a right',
    (redis, user) => redis.call('ACL', 'SETUSER', user, '-@scripting'),
    (redis, user) => redis.call('ACL', 'SETUSER', user, '+@all'),
  ],
])('a Redis that %s for a while', (_, refuse, serve) => {
  test.each<[string, (job: JobInHand) => Promise<unknown>, { state: string; attemptsMade: number }]>([
    ['a retry', (job) => job.retry(new Error('a failure'), 60_000), { state: 'delayed', attemptsMade: 1 }],
    ['a delay', (job) => job.delay(60_000), { state: 'delayed', attemptsMade: 0 }],
    ['a failure', (job) => job.fail(new Error('a failure'), state), { state: 'failed', attemptsMade: 1 }],
    ['a hand-back', (job) => job.handBack(), { state: 'prioritized', attemptsMade: 0 }],
  ])(
    'holds %s up, which is no crash of the worker',
    async (_, letGo, expected) => {
      const server = await privateRedis();
      const direct = new Redis(server.url, { maxRetriesPerRequest: null });
      const shards = openJobShards(direct, 1);
      const { queue: ownQueue } = shards.all[0]!;
      await direct.call('ACL', 'SETUSER', 'runner', 'on', '>secret', '~*', '&*', '+@all');
      const url = server.url.replace('redis://', 'redis://runner:secret@');
      const { runner, lines } = createRunner({ url, shards });
      const begun = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      runner.start(async (job) => {
        begun.resolve();
        await goOn.promise;
        await letGo(job);
      });
      await runner.add([newJob('a')]);
      await begun.promise;
      // Only the result of the job must be written.
      await ownQueue.pause();
      await refuse(direct, 'runner');
      goOn.resolve();
      await until('it is tried again', () => lines.some(({ msg }) => /results of jobs could not be written/.test(msg)));
      await serve(direct, 'runner');
      await until('it is there', async () => (await ownQueue.getJobState('r-a')) === expected.state);
      const { attemptsMade, stalledCounter } = (await ownQueue.getJob('r-a'))!;
      expect({ attemptsMade, stalledCounter }).toEqual({ attemptsMade: expected.attemptsMade, stalledCounter: 0 });
      await Promise.all(runners.splice(0).map((each) => each.stop(0, () => {})));
      await ownQueue.close();
      direct.disconnect();
      await server.stop();
    },
    60_000,
  );
});

describe('a job that is taken away while it is in hand', () => {
  const takenAway = async (prepare: (jobId: string) => Promise<unknown>) => {
    const { runner, lines } = createRunner();
    const went = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    runner.start(async (job) => {
      begun.resolve();
      await goOn.promise;
      went.resolve(await job.retry(new Error('a failure'), 10));
    });
    await runner.add([newJob('a')]);
    await begun.promise;
    await prepare(jobIdOf('a'));
    goOn.resolve();
    return { went: await went.promise, warnings: lines.filter(({ level }) => level === 'warn' || level === 'error') };
  };

  test('is reported as gone if it was removed, with a warning', async () => {
    const { went, warnings } = await takenAway(() => queue.obliterate({ force: true }));
    expect(went).toBe('gone');
    expect(warnings).toMatchObject([{ msg: 'jobs were lost: others may take them up' }]);
  });

  test('is reported as lost if another worker has it', async () => {
    const { went } = await takenAway((id) => redis.hincrby(queue.toKey(id), 'ats', 1));
    expect(went).toBe('lost');
  });

  test('gives no warning if its user has cancelled it', async () => {
    const { went, warnings } = await takenAway(async (id) => {
      await redis.set(redisKeys.cancelled(JOBS_PREFIX, id), '1');
      await queue.remove(id);
    });
    expect(went).toBe('gone');
    expect(warnings).toEqual([]);
  });
});

test('a job whose cancellation was published while nobody listened is cancelled nevertheless', async () => {
  const { runner } = createRunner();
  const cancelled = Promise.withResolvers<JobInHand>();
  runner.start(async (job) => {
    job.signal.addEventListener('abort', () => cancelled.resolve(job));
    await cancelled.promise;
    await job.complete(result);
  });
  await runner.add([newJob('a')]);
  await isIn('a', 'active');
  await cancelRequest({ index: 0, prefix: JOBS_PREFIX }, redis, 'a');
  const job = await cancelled.promise;
  expect(job.cancelled).toBe(true);
  expect(job.signal.reason).toBeInstanceOf(RequestCancelledError);
});

describe('jobs that count as added only once they are on disk', () => {
  test('are worked on, keep their locks and are completed while the disk is slow', async () => {
    const { host, port, db } = redis.options;
    const disk = await startSlowDisk(`redis://${host}:${port}/${db}`);
    const { runner } = createRunner({ slowDiskUrl: disk.url });
    const done = Promise.withResolvers<void>();
    runner.start(async (job) => {
      await job.saveState(state);
      if (job.data.request.requestId === 'long') await done.promise;
      await job.complete(result);
    });
    let added = false;
    const adding = runner.add([newJob('long'), newJob('short')]).then(() => {
      added = true;
    });
    await isIn('short', 'completed');
    await until('the other is locked', () => redis.exists(queue.toKey('r-long:lock')));
    done.resolve();
    await isIn('long', 'completed');
    expect(added).toBe(false);
    disk.written();
    await adding;
    await disk.stop();
  });

  test('are refused if the disk does not have them in time', async () => {
    const { host, port, db } = redis.options;
    const disk = await startSlowDisk(`redis://${host}:${port}/${db}`);
    const { runner } = createRunner({ slowDiskUrl: disk.url });
    runner.start((job) => job.complete(result));
    const adding = runner.add([newJob('a')]);
    await isIn('a', 'completed');
    disk.notWritten();
    await expect(adding).rejects.toBeInstanceOf(StoreUnavailableError);
    await disk.stop();
  });
});

test('what was saved is in the job, and the request as it was', async () => {
  const { runner } = createRunner();
  const added = newJob('a');
  runner.start(async (job) => {
    await job.saveState({ ...state, step: 'check-cache' });
    await job.saveState(state);
    await job.delay(60_000);
  });
  await runner.add([added]);
  await isIn('a', 'delayed');
  expect(await queue.getJob(jobIdOf('a'))).toMatchObject({ data: added, progress: state });
});

test('a job keeps its lock for as long as it is worked on', async () => {
  const { runner } = createRunner();
  const { runner: other } = createRunner();
  const done = Promise.withResolvers<void>();
  const worked: string[] = [];
  const work = (name: string) => async (job: JobInHand) => {
    worked.push(name);
    await done.promise;
    await job.complete(result);
  };
  runner.start(work('first'));
  await runner.add([newJob('a')]);
  await until('it is begun with', () => worked.length === 1);
  other.start(work('other'));
  // Without a lock, the job would be taken up at the second check that sees it. A lock lasts little longer than from one check
  // to the next.
  const checks = new Set<string>();
  await until(
    'there were three more checks',
    async () => {
      const checkedAt = await redis.get(queue.toKey('stalled-check'));
      if (checkedAt) checks.add(checkedAt);
      return checks.size === 4;
    },
    60_000,
  );
  done.resolve();
  await isIn('a', 'completed');
  expect(worked).toEqual(['first']);
});

test('a job that was cancelled before it was taken begins as cancelled', async () => {
  const { runner } = createRunner();
  const cancelled: boolean[] = [];
  runner.start(async (job) => {
    cancelled.push(job.cancelled);
    await job.complete(result);
  });
  await runnersWait(1);
  // The notice overtakes the job.
  const added = runner.add([newJob('a')]);
  runner.cancel(0, 'a');
  await added;
  await isIn('a', 'completed');
  await redis.set(redisKeys.cancelled(JOBS_PREFIX, jobIdOf('b')), '1');
  await runner.add([newJob('b')]);
  await isIn('b', 'completed');
  expect(cancelled).toEqual([true, true]);
});

test('a job is cancelled through its signal, whatever else aborts that', async () => {
  const { runner } = createRunner();
  runner.start(async (job) => {
    await until('it is cancelled', () => job.signal.aborted);
    await job.complete(result);
  });
  await runner.add([newJob('a')]);
  await isIn('a', 'active');
  runner.cancel(0, 'a');
  await isIn('a', 'completed');
});

test('when it stops, it takes no more, waits for what it has in hand, and aborts that after the grace', async () => {
  const { runner } = createRunner({ concurrency: 2 });
  const heard: string[] = [];
  runner.start(async (job) => {
    await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
    heard.push(job.data.request.requestId);
    await job.handBack();
  });
  await runner.add([newJob('a')]);
  await runner.add([newJob('b')]);
  for (const id of ['a', 'b']) await isIn(id, 'active');
  await addFromElsewhere([newJob('c')]);
  const graceOver = jest.fn();
  await runner.stop(200, graceOver);
  expect(graceOver).toHaveBeenCalledTimes(1);
  expect(heard.sort()).toEqual(['a', 'b']);
  expect(await queue.getJobCounts('active', 'wait', 'prioritized')).toEqual({ active: 0, wait: 0, prioritized: 3 });
});

test('nothing is taken while the queue is paused, and work goes on when it is resumed', async () => {
  const { runner } = createRunner();
  runner.start((job) => job.complete(result));
  await queue.pause();
  await runner.add([newJob('a')]);
  await lookInVain();
  expect(await queue.getCompletedCount()).toBe(0);
  await queue.resume();
  await isIn('a', 'completed');
});

test('it stops, and hands back what it has in hand, though Redis was just away', async () => {
  const { host, port, db } = redis.options;
  const proxy = await startTcpProxy(`redis://${host}:${port}/${db}`);
  const { runner } = createRunner({ url: proxy.url });
  runner.start(async (job) => {
    await until('it is aborted', () => job.signal.aborted);
    await job.handBack();
  });
  await runner.add([newJob('a')]);
  await isIn('a', 'active');
  await runnersWait(1);
  proxy.cut();
  await until('it has tried to connect again', () => connections[0]!.status === 'reconnecting');
  const graceOver = Promise.withResolvers<void>();
  const stopped = runner.stop(1_000, graceOver.resolve);
  await graceOver.promise;
  proxy.open();
  await stopped;
  expect(await queue.getJobState(jobIdOf('a'))).not.toBe('active');
  runners.splice(0);
  await proxy.stop();
});

test('the requests of an erased user are ended, and become no jobs', async () => {
  const { runner } = createRunner();
  await createUsersJobs(around.shards, redis, plainTexts).refuse(newJob('a').request.userId);
  expect(await runner.add([newJob('a')])).toBe(0);
  expect(refused).toEqual(['a']);
  expect(await queue.getJobState(jobIdOf('a'))).toBe('unknown');
});
