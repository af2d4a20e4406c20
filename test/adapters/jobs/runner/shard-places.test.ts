import { expect, test } from '@jest/globals';
import { createPlaces } from '../../../../src/adapters/jobs/runner/places.ts';
import { type ShardPlaces, sharePlaces } from '../../../../src/adapters/jobs/runner/shard-places.ts';

function opened(count: number, shards: number): ShardPlaces[] {
  const places = createPlaces(count);
  places.open();
  return sharePlaces(places, shards);
}

/** The shard takes as many jobs as it may, until it may take no more. @returns how many */
function fill(shard: ShardPlaces): number {
  let taken = 0;
  for (;;) {
    const reserved = shard.reserve(1_000);
    if (reserved === 0) return taken;
    for (let i = 0; i < reserved; i += 1) shard.occupy();
    shard.release(reserved);
    taken += reserved;
  }
}

/** So many jobs of a shard end, and it takes as many new ones for them as it may. @returns how many */
function goOn(shard: ShardPlaces, ended: number): number {
  const refilled = shard.refillable(ended);
  for (let i = 0; i < ended; i += 1) shard.vacate();
  for (let i = 0; i < refilled; i += 1) shard.occupy();
  return refilled;
}

test('one shard has all places, and fills each again', () => {
  const [only] = opened(5, 1);
  expect(only!.reserve(10)).toBe(5);
  for (let i = 0; i < 5; i += 1) only!.occupy();
  only!.release(5);
  only!.learn('may have more');
  expect(goOn(only!, 3)).toBe(3);
});

test('a shard has all places while the others have no jobs', () => {
  const [a] = opened(10, 4);
  expect(fill(a!)).toBe(10);
  a!.learn('may have more');
  expect(goOn(a!, 4)).toBe(4);
});

test('a shard that has all places lets others have their part as its jobs end, and then fills its own again', () => {
  const [a, b] = opened(10, 2);
  fill(a!);
  for (const shard of [a!, b!]) shard.learn('may have more');
  expect([a!.free, b!.free]).toEqual([0, 0]);
  expect(goOn(a!, 4)).toBe(0);
  expect([a!.free, b!.free]).toEqual([0, 4]);
  expect(fill(b!)).toBe(4);
  expect(goOn(a!, 1)).toBe(0);
  expect(fill(b!)).toBe(1);
  expect(goOn(a!, 5)).toBe(5);
  expect(goOn(b!, 5)).toBe(5);
});

test('a shard takes the places that others leave as soon as these have no more jobs', () => {
  const [a, b] = opened(10, 2);
  fill(a!);
  for (const shard of [a!, b!]) shard.learn('may have more');
  goOn(a!, 4);
  b!.learn('had all');
  expect(fill(a!)).toBe(4);
});

test.each([1, 2, 3, 5, 7, 10])('with %i places for four shards that all have jobs, each has its turn', (count) => {
  const shards = opened(count, 4);
  const taken = shards.map(() => 0);
  for (const shard of shards) shard.learn('may have more');
  const fillAll = () => {
    for (const [i, shard] of shards.entries()) taken[i]! += fill(shard);
  };
  fillAll();
  const used = shards.map((_, i) => taken[i]!);
  for (let round = 0; round < 400; round += 1) {
    const i = round % 4;
    if (used[i] === 0) continue;
    const before = taken[i]!;
    taken[i]! += goOn(shards[i]!, 1);
    used[i]! += taken[i]! - before - 1;
    const seen = [...taken];
    fillAll();
    for (const [j, had] of seen.entries()) used[j]! += taken[j]! - had;
    // No place stays empty while jobs wait.
    expect(used.reduce((sum, n) => sum + n, 0)).toBe(count);
  }
  const [least, most] = [Math.min(...taken), Math.max(...taken)];
  expect(least).toBeGreaterThan(most / 2);
});

test('a shard whose server does not answer reserves no more than its part', () => {
  const [a, b] = opened(10, 2);
  expect(a!.reserve(1_000)).toBe(5);
  expect(b!.reserve(1_000)).toBe(5);
});

test('closed places are not filled again', () => {
  const places = createPlaces(2);
  places.open();
  const [only] = sharePlaces(places, 1);
  fill(only!);
  places.close();
  expect(only!.refillable(1)).toBe(0);
});
