import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { RefreshFamilyStore } from '../../../src/adapters/logins/refresh-family-store.ts';
import { until } from '../../until.ts';

/**
 * What every store of refresh families must do.
 * @param options.isAtomic whether the server compares and changes a document in one step
 */
export function describeRefreshFamilyStore(
  name: string,
  makeStore: (ttlMs: number) => Promise<RefreshFamilyStore>,
  { isAtomic = true } = {},
): void {
  describe(`${name} is a store of refresh families`, () => {
    let store: RefreshFamilyStore;
    beforeAll(async () => {
      store = await makeStore(60_000);
    });

    const first = { userId: 'u', hash: 'hash 0', secret: 'a secret', issuedAt: 1_700_000_000 };
    const next = { ...first, hash: 'hash 1', generation: 1, rotations: [5, 4], issuedAt: 1_700_000_100 };

    test('a family is found as it was made, with the time of the store', async () => {
      const id = randomUUID();
      await store.create(id, first);
      const found = await store.find(id);
      expect(found?.family).toEqual({ ...first, generation: 0, rotations: [] });
      expect(Math.abs(found!.nowMs - Date.now())).toBeLessThan(60_000);
    });

    test('a family keeps when it began, when it ends, and where it began', async () => {
      const id = randomUUID();
      const endsAt = Date.now() + 60_000;
      const begun = {
        ...first,
        startedAt: 1_700_000_000_000,
        endsAt,
        client: { address: '192.0.2.1', agent: 'a "b" ü' },
      };
      await store.create(id, begun);
      expect((await store.find(id))?.family).toEqual({ ...begun, generation: 0, rotations: [] });
      await store.exchange(id, 'hash 0', { ...begun, ...next });
      expect((await store.find(id))?.family).toEqual({ ...begun, ...next });
    });

    test('a family ends at its end, however often it is exchanged', async () => {
      const id = randomUUID();
      const endsAt = Date.now() + 500;
      await store.create(id, { ...first, endsAt });
      await store.exchange(id, 'hash 0', { ...next, endsAt });
      await until('it has ended', async () => (await store.find(id)) === undefined);
    });

    test('the families of a user are listed until they are removed or expire, and nobody else’s', async () => {
      const [userId, one, other, foreign] = Array.from({ length: 4 }, () => randomUUID()) as [
        string,
        string,
        string,
        string,
      ];
      await store.create(one, { ...first, userId });
      await (await makeStore(120_000)).create(other, { ...first, userId });
      await store.create(foreign, { ...first, userId: foreign });
      await (await makeStore(100)).create(randomUUID(), { ...first, userId });
      await until('one has expired', async () => (await store.list(userId)).length === 2);
      expect((await store.list(userId)).map(({ id }) => id)).toEqual([other, one]);
      expect((await store.list(userId))[1]!.family).toEqual({ ...first, userId, generation: 0, rotations: [] });
      await store.remove(other, userId);
      expect((await store.list(userId)).map(({ id }) => id)).toEqual([one]);
      await store.exchange(one, 'hash 0', { ...next, userId });
      expect((await store.list(userId)).map(({ family }) => family.hash)).toEqual(['hash 1']);
      expect(await store.list(randomUUID())).toEqual([]);
    });

    test('nothing is found where no family was made', async () => {
      expect(await store.find(randomUUID())).toBeUndefined();
    });

    test('an exchange changes the token, and not the user', async () => {
      const id = randomUUID();
      await store.create(id, first);
      expect(await store.exchange(id, 'hash 0', next)).toBe(true);
      expect((await store.find(id))?.family).toEqual(next);
    });

    test('a token that is not the valid one cannot be exchanged, and nothing changes', async () => {
      const id = randomUUID();
      await store.create(id, first);
      await store.exchange(id, 'hash 0', next);
      expect(await store.exchange(id, 'hash 0', { ...next, hash: 'hash 2' })).toBe(false);
      expect((await store.find(id))?.family).toEqual(next);
    });

    (isAtomic ? test : test.skip)('of many that exchange the same token at once, one succeeds', async () => {
      const id = randomUUID();
      await store.create(id, first);
      const exchanged = await Promise.all(
        Array.from({ length: 20 }, (_, i) => store.exchange(id, 'hash 0', { ...next, hash: `hash of ${i}` })),
      );
      expect(exchanged.filter(Boolean)).toHaveLength(1);
      expect((await store.find(id))?.family.hash).toBe(`hash of ${exchanged.indexOf(true)}`);
    });

    test('a family that was removed is gone, and removing it again is no error', async () => {
      const id = randomUUID();
      await store.create(id, first);
      await store.remove(id, 'u');
      expect(await store.find(id)).toBeUndefined();
      expect(await store.exchange(id, 'hash 0', next)).toBe(false);
      expect(await store.find(id)).toBeUndefined();
      await store.remove(id, 'u');
    });

    test('a family that nobody uses expires', async () => {
      const shortLived = await makeStore(100);
      const id = randomUUID();
      await shortLived.create(id, first);
      await until('it has expired', async () => (await shortLived.find(id)) === undefined);
    });

    test('an exchange restarts the time of a family', async () => {
      const id = randomUUID();
      await store.create(id, first);
      const shortLived = await makeStore(100);
      expect(await shortLived.exchange(id, 'hash 0', next)).toBe(true);
      await until('it has expired', async () => (await store.find(id)) === undefined);
    });
  });
}
