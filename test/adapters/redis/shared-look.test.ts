import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createSharedLook, holdLook } from '../../../src/adapters/redis/shared-look.ts';
import { testRedisUrl } from '../../services.ts';

const KEY = '{test}:seen';
const PROCESSES = 10;

let connections: Redis[];
beforeAll(async () => {
  const url = await testRedisUrl();
  connections = Array.from({ length: PROCESSES }, () => new Redis(url));
  await Promise.all(connections.map((redis) => redis.ping()));
});
afterAll(() => {
  for (const redis of connections) redis.disconnect();
});

/** The commands that these connections send while `run` runs. */
async function commandsDuring(run: () => Promise<unknown>): Promise<string[]> {
  const commands: string[] = [];
  for (const redis of connections) {
    const send = redis.sendCommand;
    redis.sendCommand = function count(command, stream) {
      commands.push(command.name);
      return send.call(redis, command, stream);
    };
  }
  await run();
  return commands;
}

test('of many processes one asks the servers, and each other one costs Redis three commands', async () => {
  let looks = 0;
  const reads = connections.map((redis) =>
    createSharedLook<{ depth: number }>({
      redis,
      key: KEY,
      look: async () => {
        looks += 1;
        return { depth: await redis.llen('list') };
      },
    }),
  );
  const commands = await commandsDuring(async () => {
    expect(await reads[0]!()).toEqual({ depth: 0 });
    // All of them are scraped, and each asks for several metrics.
    for (let metric = 0; metric < 6; metric += 1) {
      for (const read of reads) expect(await read()).toEqual({ depth: 0 });
    }
  });
  expect(looks).toBe(1);
  expect(commands.filter((command) => command === 'llen')).toHaveLength(1);
  expect(commands).toHaveLength(3 * PROCESSES + 2);
});

test('the next look is given what the last one saw; what is too old is not shown', async () => {
  const [redis] = connections as [Redis];
  await redis.set('{next}', '5', 'PX', 3_600_000);
  const next = () =>
    createSharedLook<number>({ redis, key: '{next}', look: async (previous) => (previous ?? 0) + 1 })();
  expect(await next()).toBe(6);
  // Somebody looks, but has not put down anything for a minute.
  await redis.pexpire('{next}', 3_540_000);
  expect(await next()).toBeUndefined();
});

test('a Redis that gives no answer holds up no scrape', async () => {
  const away = new Redis({ lazyConnect: true, port: 1, maxRetriesPerRequest: null, retryStrategy: () => 100 });
  away.on('error', () => {});
  const read = createSharedLook({ redis: away, key: KEY, look: async () => 1 });
  const startedAt = performance.now();
  expect(await Promise.all([read(), read()])).toEqual([undefined, undefined]);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  away.disconnect();
});

test('nobody looks while a process says that what is seen is not so', async () => {
  const [redis] = connections as [Redis];
  const key = '{held}:seen';
  let looks = 0;
  const look = async () => {
    looks += 1;
    return looks;
  };
  await redis.set(key, '0', 'PX', 3_600_000);
  const read = createSharedLook<number>({ redis, key, look });
  await holdLook(redis, key, async () => {
    // Longer than a lease: the lease is renewed.
    await sleep(6_000);
    expect(await read()).toBe(0);
  });
  // And for some seconds after that.
  expect(await read()).toBe(0);
  expect(looks).toBe(0);
});
