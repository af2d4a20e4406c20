import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createSharedLook } from '../../../src/adapters/redis/shared-look.ts';
import { testRedisUrl } from '../../services.ts';

const KEY = '{test}:seen';
const PROCESSES = 10;

let url: string;
let connections: Redis[];
beforeAll(async () => {
  url = await testRedisUrl();
  connections = Array.from({ length: PROCESSES }, () => new Redis(url));
  await Promise.all(connections.map((redis) => redis.ping()));
});
afterAll(() => {
  for (const redis of connections) redis.disconnect();
});

/** The commands that this database was sent while `run` ran. */
async function commandsDuring(run: () => Promise<unknown>): Promise<string[]> {
  const [watcher, marker] = [new Redis(url), new Redis(url)];
  const monitor = await watcher.monitor();
  const database = new URL(url).pathname.slice(1);
  const commands: string[] = [];
  const ended = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, args: string[], _source: string, on: string) => {
      if (args[1] === 'the end') resolve();
      else if (on === database) commands.push(args[0]!.toLowerCase());
    });
  });
  await run();
  await marker.echo('the end');
  await ended;
  for (const redis of [monitor, watcher, marker]) redis.disconnect();
  return commands.filter((command) => ['set', 'get', 'pttl', 'llen'].includes(command));
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
