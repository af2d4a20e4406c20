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
      await store.begin(one, { userId: 'u1', role: 'admin' }, 60_000);
      await store.begin(other, { userId: 'u2', role: 'user' }, 60_000);
      expect(await store.find(one)).toEqual({ userId: 'u1', role: 'admin' });
      await store.end(one);
      expect(await store.find(one)).toBeUndefined();
      expect(await store.find(other)).toEqual({ userId: 'u2', role: 'user' });
    });

    test('a session that never began is not found, and ending it is no error', async () => {
      const never = randomUUID();
      expect(await store.find(never)).toBeUndefined();
      await store.end(never);
    });

    test('a session expires after its time', async () => {
      const short = randomUUID();
      await store.begin(short, { userId: 'u', role: 'admin' }, 100);
      await until('it has expired', async () => (await store.find(short)) === undefined);
    });
  });
}
