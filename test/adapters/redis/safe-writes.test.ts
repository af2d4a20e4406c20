import { afterEach, describe, expect, test } from '@jest/globals';
import { connectRedis } from '../../../src/adapters/redis/connect-redis.ts';
import { createSafeWrites, type Safety } from '../../../src/adapters/redis/safe-writes.ts';
import { StoreUnavailableError } from '../../../src/contracts/errors.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisCluster, withoutRedisServers } from '../../services/redis-cluster.ts';
import { startReplicatedRedis } from '../../services/replicated-redis.ts';
import { testRedisUrl } from '../../services.ts';
import { startSlowDisk } from '../../slow-disk.ts';
import { until } from '../../until.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function open(url: string, safety: Safety & { timeoutMs: number }) {
  const { logger, lines } = captureLog();
  const redis = connectRedis({ url, name: 'test', logger });
  cleanups.push(() => redis.disconnect());
  const seen: boolean[] = [];
  const writes = createSafeWrites({ ...safety, redis, onSafe: (safe) => seen.push(safe), logger });
  return { redis, writes, seen, logged: (text: string) => lines.filter(({ msg }) => msg === text).length };
}

describe('writes that must be on disk', () => {
  async function openSlow() {
    const slow = await startSlowDisk(await testRedisUrl());
    cleanups.push(() => slow.stop());
    return { slow, ...open(slow.url, { fsync: true, replicas: 0, timeoutMs: 10_000 }) };
  }

  test('count as made as soon as the disk has them', async () => {
    const { slow, redis, writes } = await openSlow();
    let made = false;
    const making = writes
      .make(() => redis.set('a', '1'))
      .then(() => {
        made = true;
      });
    await slow.asked();
    expect(made).toBe(false);
    slow.written();
    await making;
  });

  test('are refused if the disk does not have them in time', async () => {
    const { slow, redis, writes } = await openSlow();
    const making = writes.make(() => redis.set('a', '1'));
    making.catch(() => {});
    await slow.asked();
    slow.notWritten();
    await expect(making).rejects.toBeInstanceOf(StoreUnavailableError);
  });

  test('are refused if another connection than theirs was asked', async () => {
    const { slow, redis, writes } = await openSlow();
    const making = writes.make(async () => {
      await redis.set('a', '1');
      redis.disconnect(true);
    });
    making.catch(() => {});
    await slow.asked();
    slow.written();
    await expect(making).rejects.toThrow('lost before it had written safely');
  });
});

(withoutRedisServers ? describe.skip : describe)('writes that must be on a replica', () => {
  async function openReplicated(replicas = 1) {
    const servers = await startReplicatedRedis();
    cleanups.push(() => servers.stop());
    return { servers, ...open(servers.url, { fsync: false, replicas, timeoutMs: 500 }) };
  }

  test('are there when they count as made, however many are made at once', async () => {
    const { servers, redis, writes, seen } = await openReplicated();
    await until('writes are safe', () => seen.at(-1));
    await Promise.all(Array.from({ length: 200 }, (_, i) => writes.make(() => redis.sadd('all', i))));
    expect(await servers.replica.scard('all')).toBe(200);
    await servers.failOver();
    const add = () => writes.make(() => redis.sadd('all', 'last'));
    const isAdded = () =>
      add().then(
        () => true,
        () => false,
      );
    await until('the new primary takes writes', isAdded, 60_000);
    expect(await redis.scard('all')).toBe(201);
  });

  test('are refused while it gets nothing, also if they were made before, and the log says so once', async () => {
    const { servers, redis, writes, seen, logged } = await openReplicated();
    await until('writes are safe', () => seen.at(-1));
    servers.haltReplication();
    await expect(writes.make(() => redis.setnx('a', '1'))).rejects.toThrow('has 0 of the 1 replicas');
    expect(writes.problem).toContain('has 0 of the 1 replicas');
    // Another process repeats it, and finds nothing left to write.
    const other = open(servers.url, { fsync: false, replicas: 1, timeoutMs: 500 });
    await expect(other.writes.make(() => other.redis.setnx('a', '1'))).rejects.toBeInstanceOf(StoreUnavailableError);
    await until('it was looked again', () => seen.filter((safe) => !safe).length >= 3);
    servers.resumeReplication();
    await until('the problem is over', () => writes.problem === undefined, 60_000);
    await writes.make(() => redis.setnx('a', '1'));
    expect(await servers.replica.get('a')).toBe('1');
    expect(logged('Redis does not keep writes safely')).toBe(1);
    expect(logged('Redis keeps writes safely again')).toBe(1);
  }, 180_000);

  test('are known to be impossible before somebody writes, and then nothing is written', async () => {
    const { servers, redis, writes } = await openReplicated(2);
    await until('it is known', () => writes.problem);
    await expect(writes.make(() => redis.set('a', '1'))).rejects.toThrow('has 1 of the 2 replicas');
    expect(await servers.primary.get('a')).toBeNull();
  });
});

(withoutRedisServers ? describe.skip : describe)('writes in a Redis Cluster that must be on a replica', () => {
  /** They are in three slots, which three primaries have. */
  const KEYS = ['a', 'b', 'c'];

  async function openCluster(safety: Partial<Safety> = {}) {
    const cluster = await testRedisCluster();
    cleanups.push(() => cluster.kill());
    const primaries = await Promise.all(KEYS.map((key) => cluster.primaryOf(key)));
    expect(new Set(primaries).size).toBe(3);
    return { cluster, primaries, ...open(cluster.url, { fsync: false, replicas: 1, timeoutMs: 500, ...safety }) };
  }
  const succeeds = (made: Promise<unknown>) =>
    made.then(
      () => true,
      () => false,
    );

  test('are all there after each primary was replaced, in turn', async () => {
    const { cluster, redis, writes } = await openCluster();
    const made: number[] = [];
    let next = 0;
    const addOne = async () => {
      const number = next++;
      if (await succeeds(writes.make(() => Promise.all(KEYS.map((key) => redis.sadd(key, number)))))) made.push(number);
    };
    await until('writes are safe', async () => {
      await addOne();
      return made.length > 0;
    });
    for (const key of KEYS) {
      const before = await cluster.primaryOf(key);
      const adding = Promise.all(Array.from({ length: 50 }, addOne));
      await before.kill();
      await adding;
      await until('another one is the primary', async () => (await cluster.primaryOf(key)) !== before, 60_000);
      const count = made.length;
      expect(await succeeds(writes.make(() => redis.sadd(key, 'alone')))).toBe(false);
      await before.start();
      await until(
        'it has a replica',
        async () => {
          await addOne();
          return made.length > count;
        },
        60_000,
      );
    }
    for (const key of KEYS) {
      const kept = new Set(await redis.smembers(key));
      expect(made.filter((number) => !kept.has(String(number)))).toEqual([]);
    }
  }, 240_000);

  test('are refused while one of the primaries has no replica, wherever they are', async () => {
    const { cluster, primaries, redis, writes } = await openCluster();
    const write = (key: string) => writes.make(() => redis.set(key, '1'));
    await until('writes are safe', () => succeeds(write('a')));
    const replicas = cluster.nodes.filter((node) => !primaries.includes(node));
    await replicas[0]!.kill();
    await until('it is noticed', async () => !(await succeeds(write('a'))));
    for (const key of KEYS) await expect(write(key)).rejects.toThrow('has 0 of the 1 replicas');
    await replicas[0]!.start();
    await until('the problem is over', () => writes.problem === undefined, 60_000);
    for (const key of KEYS) await write(key);
  }, 180_000);
});
