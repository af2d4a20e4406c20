import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { ChatJobResult } from '../../../src/adapters/jobs/chat-job.ts';
import { claimRequestIds } from '../../../src/adapters/jobs/claim-request-ids.ts';
import type { NewJob } from '../../../src/adapters/jobs/job-queue.ts';
import { type JobShard, type JobShards, openJobShards } from '../../../src/adapters/jobs/job-shards.ts';
import { createJobRunner } from '../../../src/adapters/jobs/runner/job-runner.ts';
import { connectRedis } from '../../../src/adapters/redis/connect-redis.ts';
import { createSafeWrites } from '../../../src/adapters/redis/safe-writes.ts';
import { StoreUnavailableError } from '../../../src/contracts/errors.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import type { RedisCluster } from '../../../tools/services/redis-cluster.ts';
import type { Service } from '../../../tools/services/service.ts';
import { startRedisMonitor } from '../../redis-monitor.ts';
import { testRedisCluster, withoutRedisServers } from '../../services/redis-cluster.ts';
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

  test('is a duplicate if both come in one batch: one of them has the id', async () => {
    const begun: string[] = [];
    const { add } = openWorker(begun);
    for (const first of USERS) {
      const others = USERS.filter((userId) => userId !== first);
      await add([first, ...others].map((userId) => jobOf(userId, `first of ${first}`)));
    }
    await allDone();
    expect(begun.map((line) => line.slice(0, line.lastIndexOf(' of '))).sort()).toEqual(
      USERS.map((userId) => `first of ${userId}`),
    );
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

/** Ids whose homes are the shard of a user, or other shards. */
const idsAt = (shards: JobShards, userId: string, isHome: boolean, count: number) =>
  Array.from({ length: 20 * count }, (_, i) => `request-${i}`)
    .filter((requestId) => (shards.homeOf(requestId) === shards.of(userId)) === isHome)
    .slice(0, count);

describe('a claim', () => {
  let around: Awaited<ReturnType<typeof openQueue>>;
  beforeEach(async () => {
    around = await openQueue(undefined, 4);
    cleanups.push(() => around.close());
  });
  const claim = (jobs: NewJob[], rememberMs = HOUR_MS) =>
    claimRequestIds(around.shards, around.redis, jobs, { rememberMs });
  const buckets = () => around.redis.keys('{healify:*}:chat:finished:*:*');
  const [ann, bob] = ['user-0', 'user-1'] as const;

  test('is made again by the same message that comes again', async () => {
    // Their homes are shards of neither user.
    const { shards } = around;
    const [a, b, c] = idsAt(shards, ann, false, 60).filter((id) => shards.homeOf(id) !== shards.of(bob));
    const jobs = [jobOf(ann, a!), jobOf(bob, b!)];
    expect(await claim(jobs)).toEqual(jobs);
    expect(await claim(jobs)).toEqual(jobs);
    expect(idsIn(await claim([jobOf(bob, a!), jobOf(bob, c!), jobOf(ann, b!)]))).toEqual([c]);
  });

  test('is not made for the ids that our apis make, and costs nothing then', async () => {
    const requestIds = Array.from({ length: 50 }, () => around.shards.newRequestId(ann));
    expect(new Set(requestIds).size).toBe(50);
    const { options } = around.redis;
    const monitor = await startRedisMonitor(`redis://${options.host}:${options.port}`);
    cleanups.push(monitor.stop);
    const jobs = requestIds.map((requestId) => jobOf(ann, requestId));
    expect(await claim(jobs)).toEqual(jobs);
    await around.redis.set('after', '');
    await until('later commands are seen', () => monitor.commands().some((line) => line.includes('"after"')));
    // Other tests use other databases of this Redis.
    const ours = monitor.commands().filter((line) => line.includes(` [${options.db} `));
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.filter((line) => line.includes(':chat:finished'))).toEqual([]);
  });

  test('holds for as long as finished requests are recognised', async () => {
    const [id] = idsAt(around.shards, ann, false, 1);
    await claim([jobOf(ann, id!)], 48 * HOUR_MS);
    const [bucket] = await buckets();
    expect(await around.redis.pttl(bucket!)).toBeGreaterThan(48 * HOUR_MS);
  });

  test('takes less than 30 bytes, also after there were many, and is found again', async () => {
    const COUNT = 200_000;
    const jobs = (first: number, count: number, of: (i: number) => number) =>
      Array.from({ length: count }, (_, i) => jobOf(`user-${of(first + i)}`, `many-${first + i}`));
    for (let first = 0; first < COUNT; first += 2_000) await claim(jobs(first, 2_000, (i) => i));
    const keys = await buckets();
    const sizes = await Promise.all(keys.map((key) => around.redis.memory('USAGE', key)));
    const claimed = jobs(0, COUNT, (i) => i).filter(
      ({ request }) => around.shards.homeOf(request.requestId) !== around.shards.of(request.userId),
    ).length;
    expect(claimed).toBeGreaterThan(COUNT / 4);
    expect(sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) / claimed).toBeLessThan(30);
    expect(await claim(jobs(0, 1_000, (i) => i))).toHaveLength(1_000);
    const others = jobs(0, 1_000, (i) => i + 1).filter(
      ({ request: { requestId, userId } }) => around.shards.homeOf(requestId) !== around.shards.of(userId),
    );
    const hadByOthers = others.filter(({ request: { requestId, userId } }) => {
      const first = around.shards.of(`user-${requestId.slice('many-'.length)}`);
      return first !== around.shards.of(userId) && first !== around.shards.homeOf(requestId);
    });
    expect(hadByOthers.length).toBeGreaterThan(100);
    expect(await claim(hadByOthers)).toEqual([]);
  });
});

async function replicaOf(cluster: RedisCluster, primary: Service): Promise<Service> {
  for (const node of cluster.nodes) {
    const redis = cluster.connect(node);
    const info = await redis.info('replication');
    redis.disconnect();
    if (info.includes('role:slave') && info.includes(`master_port:${new URL(primary.url).port}\r`)) return node;
  }
  throw new Error('it has no replica');
}

(withoutRedisServers ? describe.skip : describe)('on a Redis Cluster, with ACK_AFTER_REPLICAS', () => {
  test('a job counts as added only if a replica has the claim of its id, too', async () => {
    const cluster = await testRedisCluster();
    cleanups.push(() => cluster.kill());
    const redis = connectRedis({ url: cluster.url, name: 'test', logger });
    const shards = openJobShards(redis, 12);
    cleanups.push(async () => {
      await shards.close();
      redis.disconnect();
    });
    const ann = 'user-0';
    const nodeOf = ({ toKey }: Pick<JobShard, 'toKey'>) => cluster.primaryOf(toKey('id'));
    const own = await nodeOf(shards.of(ann));
    const others = await Promise.all(shards.all.map(async (shard) => ({ shard, node: await nodeOf(shard) })));
    const home = others.find(({ node }) => node !== own)!;
    const requestId = idsAt(shards, ann, false, 500).find((id) => shards.homeOf(id) === home.shard)!;

    const safeRedis = connectRedis({ url: cluster.url, name: 'test-safe', logger });
    cleanups.push(() => safeRedis.disconnect());
    const safeWrites = createSafeWrites({ redis: safeRedis, fsync: false, replicas: 1, timeoutMs: 2_000, logger });
    const begun: string[] = [];
    const runner = createJobRunner({
      refuse: async () => {},
      seals: plainTexts,
      ...jobLimits,
      ...{ shards, redis, safeWrites, concurrency: 50, attempts: 3 },
      ...{ finishedJobTextMs: 0, redeliveryWindowMs: 24 * HOUR_MS, logger },
    });
    cleanups.push(() => runner.stop(0, () => {}));
    runner.start(async (job) => {
      begun.push(job.data.request.userId);
      await job.complete({ status: 'completed' } as ChatJobResult);
    });
    const isAdded = (userId: string) =>
      runner.add([jobOf(userId, requestId)]).then(
        () => true,
        (error) => {
          expect(error).toBeInstanceOf(StoreUnavailableError);
          return false;
        },
      );
    // Only the claim lacks a replica.
    const replica = await replicaOf(cluster, home.node);
    await replica.kill();
    expect(await isAdded(ann)).toBe(false);
    // RabbitMQ brings the message again, until it is acknowledged.
    await replica.start();
    await until('it is added', () => isAdded(ann), 60_000);
    const rival = Array.from({ length: 100 }, (_, i) => `user-${i}`).find((userId) => {
      const shard = shards.of(userId);
      return shard !== shards.of(ann) && shard !== home.shard;
    })!;
    expect(await isAdded(rival)).toBe(true);
    await until('the job is done', async () => begun.length > 0);
    expect(new Set(begun)).toEqual(new Set([ann]));
  }, 180_000);
});
