import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { AccountStore } from '../../../src/adapters/accounts/account-store.ts';
import type { Account } from '../../../src/contracts/account.ts';

/**
 * What every store of accounts must do.
 * @param makeStore an empty one
 * @param options.isAtomic whether the server compares and changes a document in one step
 */
export function describeAccountStore(
  name: string,
  makeStore: () => Promise<AccountStore>,
  { isAtomic = true } = {},
): void {
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
      expect(await store.change(randomUUID(), (account) => account)).toBeUndefined();
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

    test('accounts come page by page in the order of their emails, each once, and an erased one comes no more', async () => {
      const name = randomUUID();
      const emails = ['b', 'a', 'é', 'c', 'aa'].map((each) => `${name}-${each}@example.com`);
      const accounts = emails.map((email) => newAccount({ email }));
      for (const account of accounts) await store.create(account);
      await store.create(newAccount({ email: emails[0]! }));
      const listed = async (limit: number) => {
        const pages: string[][] = [];
        let after: string | undefined = name;
        while (after?.startsWith(name)) {
          const page = await store.page(after, limit);
          pages.push(page.accounts.map(({ email }) => email).filter((email) => email.startsWith(name)));
          expect(page.accounts.length).toBeLessThanOrEqual(limit);
          after = page.next;
        }
        return pages;
      };
      const inOrder = [...emails].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      expect((await listed(2)).flat()).toEqual(inOrder);
      expect((await listed(2)).length).toBeGreaterThan(2);
      expect((await store.page(name, 1)).accounts).toEqual([accounts[emails.indexOf(inOrder[0]!)]]);
      await store.remove(accounts[1]!.userId);
      expect((await listed(100)).flat()).toEqual(inOrder.filter((email) => email !== emails[1]));
      expect(await store.page('\u{10ffff}', 10)).toEqual({ accounts: [], next: undefined });
    });

    test('a change replaces the account, and a field that is left out is gone', async () => {
      const account = newAccount();
      await store.create(account);
      const disabled = { ...account, role: 'admin', disabledAt: '2026-01-02T00:00:00.000Z' } as const;
      expect(await store.change(account.userId, () => disabled)).toEqual(disabled);
      expect(await store.byId(account.userId)).toEqual(disabled);
      const { disabledAt: _, ...enabled } = disabled;
      await store.change(account.userId, () => enabled);
      expect(await store.byEmail(account.email)).toEqual(enabled);
    });

    test('a change that is none leaves the account as it is', async () => {
      const account = newAccount();
      await store.create(account);
      expect(await store.change(account.userId, () => undefined)).toBeUndefined();
      expect(await store.byId(account.userId)).toEqual(account);
    });

    test('the second factor of an account is kept as it is, and its codes are used up one by one', async () => {
      const secondFactor = { sealed: 'c2VhbGVk', confirmedAt: '2026-01-02T00:00:00.000Z', lastStep: 0 };
      const account = newAccount({ secondFactor: { ...secondFactor, recoveryCodes: ['a', 'b'] } });
      await store.create(account);
      expect(await store.byId(account.userId)).toEqual(account);
      const left = { ...secondFactor, lastStep: 58_000_000, recoveryCodes: ['b'] };
      await store.change(account.userId, (now) => ({ ...now, secondFactor: left }));
      expect(await store.byEmail(account.email)).toEqual({ ...account, secondFactor: left });
    });

    (isAtomic ? test : test.skip)('of many changes at once none is lost', async () => {
      const account = newAccount({ passwordHash: '' });
      await store.create(account);
      const add = (letter: string) =>
        store.change(account.userId, (now) => ({ ...now, passwordHash: now.passwordHash + letter }));
      await Promise.all([...'abcdefgh'].map(add));
      expect([...(await store.byId(account.userId))!.passwordHash!].sort().join('')).toBe('abcdefgh');
    });
  });
}
