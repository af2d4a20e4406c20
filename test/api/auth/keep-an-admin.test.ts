import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AccountStore } from '../../../src/adapters/accounts/account-store.ts';
import { accountIndexes, createMongoDbAccountStore } from '../../../src/adapters/accounts/mongodb-account-store.ts';
import { createRedisAccountStore } from '../../../src/adapters/accounts/redis-account-store.ts';
import { noNotices } from '../../../src/api/auth/account-notices.ts';
import { type AccountAdmin, createAccountAdmin } from '../../../src/api/auth/manage-accounts.ts';
import { type Account, isEnabledAdmin } from '../../../src/contracts/account.ts';
import { testMongoDb } from '../../mongodb-connection.ts';
import { testRedisUrl } from '../../services.ts';
import { withMongoDb } from '../../with-mongodb.ts';

type Take = (admin: AccountAdmin, userId: string, by: string) => Promise<unknown>;

/** How an admin's rights are taken away: by another admin, or by themselves. */
const ways: [string, Take][] = [
  ['demotes', (admin, userId, by) => admin.setRole(userId, 'user', by)],
  ['disables', (admin, userId, by) => admin.disable(userId, by)],
  ['erases', (admin, userId, by) => admin.stepDown(userId, by)],
];
const pairs = ways.flatMap(([name, take]) => ways.map((way) => [name, way[0], take, way[1]] as const));

function describeKeptAdmins(name: string, makeStore: () => Promise<AccountStore>): void {
  describe(`with accounts in ${name}`, () => {
    let store: AccountStore;
    /** All that the test has made. */
    const made: string[] = [];
    beforeAll(async () => {
      store = await makeStore();
    });

    async function newAdmin(fields: Partial<Account> = {}): Promise<string> {
      const [userId, createdAt] = [randomUUID(), '2026-01-01T00:00:00.000Z'];
      await store.create({ userId, email: `${userId}@example.com`, role: 'admin', createdAt, ...fields });
      made.push(userId);
      return userId;
    }

    const adminWith = (of: AccountStore) =>
      createAccountAdmin({
        ...{ store: of, notices: noNotices },
        logins: { list: async () => [], endAll: async () => 0 },
      });

    /** The first change of this account waits, between its read and its write, until others have made theirs. */
    const waiting = (userId: string, meanwhile: () => Promise<unknown>): AccountStore => {
      let waits = true;
      return {
        ...store,
        change: (id, next) =>
          store.change(id, async (account) => {
            const after = await next(account);
            if (id === userId && waits) {
              waits = false;
              await meanwhile();
            }
            return after;
          }),
      };
    };

    const adminsLeft = async () => {
      const accounts = await Promise.all(made.map((userId) => store.byId(userId)));
      return accounts.flatMap((account) => (account && isEnabledAdmin(account) ? [account.userId] : []));
    };

    const retireAll = async () => {
      for (const userId of made) await store.remove(userId);
      made.length = 0;
    };

    test.each(pairs)('an admin who %s another one, who %s them at the same moment, is refused', async (...of) => {
      await retireAll();
      const [, , take, takeBack] = of;
      const [one, other] = [await newAdmin(), await newAdmin()];
      const slow = adminWith(waiting(other, () => takeBack(adminWith(store), one, other)));
      await expect(take(slow, other, one)).rejects.toMatchObject({ code: 'forbidden' });
      expect(await adminsLeft()).toEqual([other]);
    });

    test('of two admins who erase themselves at the same moment, one stays', async () => {
      await retireAll();
      const [one, other] = [await newAdmin(), await newAdmin()];
      const slow = adminWith(waiting(other, () => adminWith(store).stepDown(one)));
      await expect(slow.stepDown(other)).rejects.toMatchObject({ code: 'last_admin' });
      expect(await adminsLeft()).toEqual([other]);
    });

    test('of three admins who erase the next one at the same moment, one stays', async () => {
      await retireAll();
      const [a, b, c] = [await newAdmin(), await newAdmin(), await newAdmin()];
      const third = () => adminWith(store).stepDown(a, c);
      const second = () => adminWith(waiting(c, third)).stepDown(c, b);
      await expect(adminWith(waiting(b, second)).stepDown(b, a)).rejects.toMatchObject({ code: 'forbidden' });
      expect(await adminsLeft()).toEqual([b]);
    });

    test.each(ways)('wherever the process of an admin dies who %s another one, an admin stays', async (_, take) => {
      for (let calls = 0; calls < 6; calls++) {
        await retireAll();
        const [one, other] = [await newAdmin(), await newAdmin()];
        let left = calls;
        const alive = <T>(call: () => T): T => {
          if (left-- <= 0) throw new Error('killed');
          return call();
        };
        const dying: AccountStore = {
          ...store,
          byId: async (id) => alive(() => store.byId(id)),
          change: async (id, next) => alive(() => store.change(id, next)),
        };
        await adminWith(store).setRole(one, 'user', other);
        await expect(take(adminWith(dying), other, one)).rejects.toThrow();
        expect(await adminsLeft()).toEqual([other]);
      }
    });

    test('the last admin does not erase themselves, however many there are who are none', async () => {
      await retireAll();
      const last = await newAdmin();
      await newAdmin({ role: 'operator' });
      await newAdmin({ disabledAt: '2026-01-02T00:00:00.000Z' });
      const there = await newAdmin({ provider: { confirmedAt: '2026-01-02T00:00:00.000Z' } });
      await expect(adminWith(store).stepDown(last)).rejects.toMatchObject({ code: 'last_admin' });
      await newAdmin();
      await adminWith(store).stepDown(last);
      expect(await store.byId(last)).toMatchObject({ role: 'user' });
      // The identity provider makes them an admin again with the next login.
      await adminWith(store).stepDown(there);
      expect(await store.byId(there)).toMatchObject({ role: 'user' });
    });

    test('whoever is no admin is erased by whoever asks for it', async () => {
      const userId = await newAdmin({ role: 'user' });
      await adminWith(store).stepDown(userId);
      expect(await store.byId(userId)).toMatchObject({ role: 'user' });
      await adminWith(store).stepDown(randomUUID());
    });
  });
}

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

describeKeptAdmins('Redis', async () => createRedisAccountStore({ redis }));
withMongoDb('with MongoDB', () =>
  describeKeptAdmins('MongoDB', async () => createMongoDbAccountStore({ db: await testMongoDb(accountIndexes) })),
);
