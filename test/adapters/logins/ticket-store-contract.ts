import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { TicketStore } from '../../../src/adapters/logins/ticket-store.ts';

/** What every store of tickets must do. */
export function describeTicketStore(name: string, makeStore: () => Promise<TicketStore>): void {
  describe(`${name} is a store of tickets`, () => {
    let store: TicketStore;
    beforeAll(async () => {
      store = await makeStore();
    });

    test('a ticket says once whose it is, however many ask at the same time', async () => {
      const ticket = randomUUID();
      const token = { userId: 'u', role: 'user', loginId: 'l', expiresAt: 1_800_000_000 } as const;
      await store.keep(ticket, token, 60_000);
      const taken = await Promise.all(Array.from({ length: 5 }, () => store.take(ticket)));
      expect(taken.filter((found) => found)).toEqual([token]);
    });

    test('a ticket that never existed, or has expired, is nobody’s', async () => {
      expect(await store.take(randomUUID())).toBeUndefined();
      const short = randomUUID();
      await store.keep(short, { userId: 'u', role: 'admin', expiresAt: 1_800_000_000 }, 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await store.take(short)).toBeUndefined();
    });
  });
}
