import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { JOBS_PREFIX, JOBS_QUEUE, jobsPrefixOf } from '../../src/contracts/queues.ts';
import { redisKeys } from '../../src/contracts/redis-keys.ts';
import { redisRights } from '../../src/contracts/redis-rights.ts';
import type { RedisCluster } from '../../tools/services/redis-cluster.ts';
import { testRedisCluster, withoutRedisServers } from '../services/redis-cluster.ts';

/** The keys that one script may use, for an id. */
const together: Record<string, (id: string) => string[]> = {
  'a session': (id) => [redisKeys.session(id), redisKeys.turns(id), redisKeys.erased(id), redisKeys.loading(id)],
  "a user's lists": (id) => [redisKeys.history(id), redisKeys.sessions(id)],
  'a cached answer': (id) => [redisKeys.answer(id), redisKeys.awaiting(id)],
  'a gate': (id) => [redisKeys.gate(id), redisKeys.probe(id)],
  'a job and a run of retries': (id) => jobKeys(JOBS_PREFIX, id),
  'a job and a run of retries in a shard': (id) => jobKeys(jobsPrefixOf(1, 3), id),
};

function jobKeys(prefix: string, id: string): string[] {
  const queue = `${prefix}:${JOBS_QUEUE}`;
  return [
    ...[`${queue}:meta`, `${queue}:${id}`, redisKeys.cancelled(prefix, id)],
    ...[redisKeys.retryRun(prefix, id), redisKeys.retryRunJobs(prefix, id)],
  ];
}

/** Ids as somebody would choose them who wants to break the keys. */
const awkwardId = fc.oneof(
  fc.string({ unit: fc.constantFrom('{', '}', ':', 'a', 'b', '\n', 'é', '🥦'), minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.uuid(),
);

const onServer = withoutRedisServers ? describe.skip : describe;

onServer('keys that one script uses', () => {
  let cluster: RedisCluster;
  let node: Redis;
  beforeAll(async () => {
    cluster = await testRedisCluster({ replicas: 0 });
    node = cluster.connect(cluster.nodes[0]!);
  });
  afterAll(async () => {
    node.disconnect();
    await cluster.kill();
  });

  test.each(Object.entries(together))('of %s share a slot, whatever the id has in it', async (_, keysOf) => {
    await fc.assert(
      fc.asyncProperty(awkwardId, async (id) => {
        const slots = await Promise.all(keysOf(id).map((key) => node.cluster('KEYSLOT', key)));
        expect(new Set(slots).size).toBe(1);
      }),
      { numRuns: 500 },
    );
  });

  test('of cached answers are spread evenly', async () => {
    const hashes = fc.sample(
      fc.string({
        unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_'),
        minLength: 32,
        maxLength: 32,
      }),
      { numRuns: 3_000, seed: 1 },
    );
    const slots = await Promise.all(hashes.map((hash) => node.cluster('KEYSLOT', redisKeys.answer(hash))));
    const ofNode = [0, 0, 0];
    for (const slot of slots) ofNode[Math.floor((3 * slot) / 16_384)]! += 1;
    for (const count of ofNode) expect(count).toBeGreaterThan(800);
  });
});

test('the keys that other services may read have their names', () => {
  expect(redisKeys.session('s-1')).toBe('chat:session:s-1');
  expect(redisKeys.response('s-1')).toBe('ai:response:s-1');
});

test('for ordinary ids, the keys beside a session or a list of turns are named as ever', () => {
  expect(together['a session']!('s-1').slice(1)).toEqual(
    ['turns', 'erased', 'loading'].map((part) => `{chat:session:s-1}:${part}`),
  );
  expect(redisKeys.sessions('ann@example.com')).toBe('{chat:history:ann@example.com}:sessions');
});

test('two ids never share a key', () => {
  const all = (id: string) =>
    Object.values(together)
      .flatMap((keysOf) => keysOf(id))
      .concat(redisKeys.response(id));
  fc.assert(
    fc.property(awkwardId, awkwardId, (one, other) => {
      fc.pre(one !== other);
      const others = new Set(all(other));
      for (const key of others) if (key.endsWith(`:${JOBS_QUEUE}:meta`)) others.delete(key);
      expect(all(one).filter((key) => others.has(key))).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});

test('the rights of the api cover each key, whatever the id has in it', () => {
  const beginnings = Object.keys(redisRights.api.keys).map((pattern) => pattern.replace(/\*$/, ''));
  fc.assert(
    fc.property(awkwardId, (id) => {
      const keys = Object.values(together).flatMap((keysOf) => keysOf(id));
      for (const key of keys) expect(beginnings.some((beginning) => key.startsWith(beginning))).toBe(true);
    }),
  );
});
