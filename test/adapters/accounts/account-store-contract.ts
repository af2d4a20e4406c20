import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { AccountStore } from '../../../src/adapters/accounts/account-store.ts';
import type { Account } from '../../../src/contracts/account.ts';

/** What every store of accounts must do. @param makeStore an empty one */
export function describeAccountStore(name: string, makeStore: () => Promise<AccountStore>): void {
  describe(`${name} is a store of accounts`, () => {
    let store: AccountStore;
    beforeAll(async () => {
      store = await makeStore();
    });

    const newAccount = (fields: Partial<Account> = {}): Account => ({
      userId: randomUUID(),
      email: `${randomUUID()}@example.com`,
      passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
      role: 'user',
      createdAt: '2026-01-01T00:00:00.000Z',
      ...fields,
    });

    test('an account is found by email and by id, as it was made', async () => {
      const account = newAccount({ email: 'ü+tag@example.com' });
      expect(await store.create(account)).toBe('created');
      expect(await store.byEmail(account.email)).toEqual(account);
      expect(await store.byId(account.userId)).toEqual(account);
    });

    test('nobody is found where there is nobody', async () => {
      expect(await store.byEmail('nobody@example.com')).toBeUndefined();
      expect(await store.byId(randomUUID())).toBeUndefined();
      expect(await store.setRole('nobody@example.com', 'admin')).toBe(false);
    });

    test('an email has one account, and the second attempt leaves nothing behind', async () => {
      const first = newAccount();
      const second = newAccount({ email: first.email });
      await store.create(first);
      expect(await store.create(second)).toBe('email_taken');
      expect(await store.byEmail(first.email)).toEqual(first);
      expect(await store.byId(second.userId)).toBeUndefined();
    });

    test('of many who take an email at once, one gets it', async () => {
      const email = `${randomUUID()}@example.com`;
      const accounts = Array.from({ length: 10 }, () => newAccount({ email }));
      const outcomes = await Promise.all(accounts.map((account) => store.create(account)));
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(await store.byEmail(email)).toEqual(accounts[outcomes.indexOf('created')]);
    });

    test('all accounts are listed', async () => {
      const accounts = Array.from({ length: 250 }, () => newAccount());
      for (const account of accounts) await store.create(account);
      const found: Account[] = [];
      for await (const account of store.all()) found.push(account);
      expect(found).toEqual(expect.arrayContaining(accounts));
      expect(new Set(found.map(({ userId }) => userId)).size).toBe(found.length);
    });

    test('a role is given and taken, and nothing else changes', async () => {
      const account = newAccount();
      await store.create(account);
      expect(await store.setRole(account.email, 'admin')).toBe(true);
      expect(await store.byId(account.userId)).toEqual({ ...account, role: 'admin' });
      expect(await store.setRole(account.email, 'user')).toBe(true);
      expect(await store.byEmail(account.email)).toEqual(account);
    });
  });
}
