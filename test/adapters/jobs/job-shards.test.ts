import { describe, expect, test } from '@jest/globals';
import { shardOf } from '../../../src/adapters/jobs/job-shards.ts';
import { jobsPrefixOf } from '../../../src/contracts/queues.ts';

test.each([
  ['user-1', 4, 0],
  ['user-2', 4, 2],
  ['user-2', 3, 1],
  ['Zoë', 16, 10],
  ['', 4, 0],
  ['anybody', 1, 0],
])('the jobs of %p are where every version looks for them: of %i shards in %i', (userId, count, shard) => {
  expect(shardOf(userId, count)).toBe(shard);
});

test('users are spread over all shards about evenly', () => {
  const users = Array.from({ length: 4_000 }, (_, i) => `user-${i}`);
  const sizes = [...Map.groupBy(users, (userId) => shardOf(userId, 4)).values()].map(({ length }) => length);
  expect(sizes).toHaveLength(4);
  for (const size of sizes) expect(Math.abs(size - 1_000)).toBeLessThan(150);
});

describe('the prefix of keys', () => {
  test('is what it always was if there is one shard', () => {
    expect(jobsPrefixOf(0, 1)).toBe('{healify}');
  });

  test('puts each of several shards into a slot of its own', () => {
    expect([0, 1].map((shard) => jobsPrefixOf(shard, 2))).toEqual(['{healify:0}', '{healify:1}']);
  });
});
