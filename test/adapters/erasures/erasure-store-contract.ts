import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ErasureStore } from '../../../src/adapters/erasures/erasure-store.ts';
import type { Erasure } from '../../../src/contracts/erasures.ts';
import { until } from '../../until.ts';

/** What every store of erasures must do. */
export function describeErasureStore(name: string, makeStore: (retentionMs: number) => Promise<ErasureStore>): void {
  describe(`${name} is a store of erasures`, () => {
    let store: ErasureStore;
    beforeAll(async () => {
      store = await makeStore(60_000);
    });

    const erasureOf = (fields: Partial<Erasure> = {}): Erasure => ({
      erasureId: randomUUID(),
      userId: randomUUID(),
      sessionId: null,
      requestedBy: 'user',
      requestedAt: new Date().toISOString(),
      ...{ state: 'erasing', erasedAt: null, waitsFor: null },
      kinds: [{ kind: 'jobs', place: 'redis', found: 2, erased: 1, left: 1, lookedAt: new Date().toISOString() }],
      ...fields,
    });

    test('an erasure is found by its id and by its user, as it was saved last', async () => {
      const erasure = erasureOf();
      await store.begin(erasure);
      expect(await store.find(erasure.erasureId)).toEqual(erasure);
      const done: Erasure = { ...erasure, state: 'erased', erasedAt: new Date().toISOString() };
      await store.save(done);
      expect(await store.find(erasure.erasureId)).toEqual(done);
      expect(await store.ofUser(erasure.userId)).toEqual(done);
      expect(await store.find(randomUUID())).toBeUndefined();
    });

    test('the erasure of a conversation is not one of its user', async () => {
      const erasure = erasureOf({ sessionId: randomUUID() });
      await store.begin(erasure);
      expect(await store.ofUser(erasure.userId)).toBeUndefined();
    });

    test('an erasure of a conversation is found by it while it is under way, and only by its own user', async () => {
      const sessionId = randomUUID();
      const [own, others] = [erasureOf({ sessionId }), erasureOf({ sessionId })];
      await Promise.all([store.begin(own), store.begin(others)]);
      expect(await store.underWay(own.userId, sessionId)).toEqual(own);
      await store.remove(others);
      expect(await store.underWay(others.userId, sessionId)).toBeUndefined();
      expect(await store.underWay(own.userId, sessionId)).toEqual(own);
      await store.save({ ...own, state: 'erased' });
      expect(await store.underWay(own.userId, sessionId)).toBeUndefined();
    });

    test('an erasure is unfinished until it is saved as erased', async () => {
      const erasure = erasureOf();
      await store.begin(erasure);
      expect(await store.unfinished(100)).toContain(erasure.erasureId);
      await store.save({ ...erasure, state: 'erased' });
      expect(await store.unfinished(100)).not.toContain(erasure.erasureId);
    });

    test('an erasure that is removed was never there', async () => {
      const erasure = erasureOf({ sessionId: randomUUID() });
      await store.begin(erasure);
      await store.remove(erasure);
      expect(await store.find(erasure.erasureId)).toBeUndefined();
      expect(await store.unfinished(100)).not.toContain(erasure.erasureId);
    });

    test.each([null, 'a conversation'])(
      'of many erasures of one user that begin at once, of %s, one is there',
      async (of) => {
        const [userId, sessionId] = [randomUUID(), of];
        const wished = Array.from({ length: 10 }, () => erasureOf({ userId, sessionId, kinds: [] }));
        const begun = await Promise.all(wished.map((each) => store.begin(each)));
        const [first] = begun as [Erasure];
        expect(wished).toContainEqual(first);
        expect(begun).toEqual(wished.map(() => first));
        const found = await Promise.all(wished.map(({ erasureId }) => store.find(erasureId)));
        expect(found.filter((each) => each !== undefined)).toEqual([first]);
        const changed: Erasure = { ...first, waitsFor: 'store_unavailable' };
        await store.save(changed);
        expect(await store.begin(erasureOf({ userId, sessionId }))).toEqual(changed);
      },
    );

    test.each([null, 'a conversation'])('once an erasure of a user is done, of %s, another one begins', async (of) => {
      const [one, next] = [erasureOf({ sessionId: of }), erasureOf({ sessionId: of })];
      await store.begin(one);
      const done: Erasure = { ...one, state: 'erased' };
      await store.save(done);
      expect(await store.begin({ ...next, userId: one.userId })).toEqual({ ...next, userId: one.userId });
      // A round completes it again whose process died before it was taken from the list of those that are not done.
      await store.save(done);
      const under = await store.begin(erasureOf({ userId: one.userId, sessionId: of }));
      expect(under.erasureId).toBe(next.erasureId);
      expect(await store.find(one.erasureId)).toEqual(done);
    });

    test('a receipt is kept for its time, and an erasure that is not done is kept longer', async () => {
      const forgetful = await makeStore(200);
      const [done, under] = [erasureOf({ state: 'erased' }), erasureOf()];
      await Promise.all([forgetful.begin({ ...done, state: 'erasing' }), forgetful.begin(under)]);
      await forgetful.save(done);
      await until('the receipt is gone', async () => !(await forgetful.find(done.erasureId)));
      expect(await forgetful.find(under.erasureId)).toEqual(under);
    });
  });
}
