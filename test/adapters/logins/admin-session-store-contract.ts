import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { AdminSessionStore } from '../../../src/adapters/logins/admin-session-store.ts';
import { until } from '../../until.ts';

/** What every store of admin sessions must do. */
export function describeAdminSessionStore(name: string, makeStore: () => Promise<AdminSessionStore>): void {
  describe(`${name} is a store of admin sessions`, () => {
    let store: AdminSessionStore;
    beforeAll(async () => {
      store = await makeStore();
    });

    test('a session says whose it is, until it ends', async () => {
      const [one, other] = [randomUUID(), randomUUID()];
      await store.begin(one, { userId: 'u1', role: 'admin', endsAt: 1 }, 60_000);
      await store.begin(other, { userId: 'u2', role: 'user', endsAt: 2 }, 60_000);
      expect(await store.find(one)).toEqual({ userId: 'u1', role: 'admin', endsAt: 1 });
      await store.end(one);
      expect(await store.find(one)).toBeUndefined();
      expect(await store.find(other)).toEqual({ userId: 'u2', role: 'user', endsAt: 2 });
    });

    test('a session that never began is not found, and ending it is no error', async () => {
      const never = randomUUID();
      expect(await store.find(never)).toBeUndefined();
      await store.end(never);
    });

    test('a session expires after its time', async () => {
      const short = randomUUID();
      await store.begin(short, { userId: 'u', role: 'admin', endsAt: 1 }, 100);
      await until('it has expired', async () => (await store.find(short)) === undefined);
    });

    test('a session that is extended expires later or sooner, and one that has ended stays ended', async () => {
      const [longer, sooner, ended] = [randomUUID(), randomUUID(), randomUUID()];
      const session = { userId: 'u', role: 'admin' as const, endsAt: 1 };
      await Promise.all([store.begin(longer, session, 1_000), store.begin(sooner, session, 60_000)]);
      await Promise.all([store.extend(longer, 60_000), store.extend(sooner, 1_500), store.extend(ended, 60_000)]);
      await until('the other has expired', async () => (await store.find(sooner)) === undefined);
      expect(await store.find(longer)).toEqual(session);
      expect(await store.find(ended)).toBeUndefined();
    });
  });
}
