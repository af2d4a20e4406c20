import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { User, UserStore } from '../../../src/adapters/accounts/user-store.ts';

/** What every user store must do, whatever it keeps things in. @param makeStore an empty one */
export function describeUserStore(name: string, makeStore: () => Promise<UserStore>): void {
  describe(`${name} is a user store`, () => {
    let store: UserStore;
    beforeAll(async () => {
      store = await makeStore();
    });

    const newUser = (fields: Partial<User> = {}): User => ({
      userId: randomUUID(),
      email: `${randomUUID()}@example.com`,
      passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
      role: 'user',
      createdAt: '2026-01-01T00:00:00.000Z',
      ...fields,
    });

    test('a user is found by email and by id, as it was made', async () => {
      const user = newUser({ email: 'ü+tag@example.com' });
      expect(await store.create(user)).toBe('created');
      expect(await store.byEmail(user.email)).toEqual(user);
      expect(await store.byId(user.userId)).toEqual(user);
    });

    test('nobody is found where there is nobody', async () => {
      expect(await store.byEmail('nobody@example.com')).toBeUndefined();
      expect(await store.byId(randomUUID())).toBeUndefined();
      expect(await store.setRole('nobody@example.com', 'admin')).toBe(false);
    });

    test('an email has one account, and the second attempt leaves nothing behind', async () => {
      const first = newUser();
      const second = newUser({ email: first.email });
      await store.create(first);
      expect(await store.create(second)).toBe('email_taken');
      expect(await store.byEmail(first.email)).toEqual(first);
      expect(await store.byId(second.userId)).toBeUndefined();
    });

    test('of many who take an email at once, one gets it', async () => {
      const email = `${randomUUID()}@example.com`;
      const users = Array.from({ length: 10 }, () => newUser({ email }));
      const outcomes = await Promise.all(users.map((user) => store.create(user)));
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(await store.byEmail(email)).toEqual(users[outcomes.indexOf('created')]);
    });

    test('a role is given and taken, and nothing else changes', async () => {
      const user = newUser();
      await store.create(user);
      expect(await store.setRole(user.email, 'admin')).toBe(true);
      expect(await store.byId(user.userId)).toEqual({ ...user, role: 'admin' });
      expect(await store.setRole(user.email, 'user')).toBe(true);
      expect(await store.byEmail(user.email)).toEqual(user);
    });
  });
}
