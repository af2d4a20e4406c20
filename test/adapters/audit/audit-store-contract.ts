import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { AuditEntry, AuditStore } from '../../../src/adapters/audit/audit-store.ts';
import { createAuditTrail } from '../../../src/adapters/audit/audit-trail.ts';
import { BEFORE_THE_FIRST, chain } from '../../../src/adapters/audit/chain.ts';
import { verifyEntries } from '../../../src/adapters/audit/verify-entries.ts';
import type { AuditEvent } from '../../../src/contracts/audit.ts';

export const someEvent: AuditEvent = {
  action: 'job.retry',
  actor: { kind: 'user', userId: 'u1', role: 'admin' },
  address: '2001:db8::1',
  subject: { kind: 'request', id: 'r1' },
  outcome: 'done',
  details: { count: 2, filter: { code: 'model_timeout' } },
};

/** What every store of the audit trail must do. @param makeStore an empty one */
export function describeAuditStore(name: string, makeStore: () => Promise<AuditStore>): void {
  describe(`${name} is a store of the audit trail`, () => {
    const records = (count: number) =>
      Array.from({ length: count }, () => ({ id: randomUUID(), at: new Date().toISOString(), ...someEvent }));

    test('entries are read in their order, from any number on', async () => {
      const store = await makeStore();
      expect(await store.head()).toEqual(BEFORE_THE_FIRST);
      expect(await numbersOf(store, 1)).toEqual([]);
      // More than a store reads at once.
      const entries = chain(BEFORE_THE_FIRST, records(1_203), undefined);
      for (let i = 0; i < entries.length; i += 100) {
        await store.append(await store.head(), entries.slice(i, i + 100));
      }
      expect(await textsOf(store, 1)).toEqual(entries.map(({ text }) => text));
      expect(await numbersOf(store, 1_202)).toEqual([1_202, 1_203]);
      const { number, hash } = entries.at(-1)!;
      expect(await store.head()).toEqual({ number, hash });
    });

    test('nothing is added after an entry that is not the last any more', async () => {
      const store = await makeStore();
      const [first, second, third] = chain(BEFORE_THE_FIRST, records(3), undefined);
      const head = { number: second!.number, hash: second!.hash };
      expect(await store.append(BEFORE_THE_FIRST, [first!, second!])).toEqual({ added: 2, head });
      const late = chain(BEFORE_THE_FIRST, records(2), undefined);
      expect(await store.append(BEFORE_THE_FIRST, late)).toEqual({ added: 0, head });
      expect(await textsOf(store, 1)).toEqual([first!.text, second!.text]);
      expect(await store.append(head, [third!])).toMatchObject({ added: 1 });
    });

    test('the oldest can be removed, and the numbers go on', async () => {
      const store = await makeStore();
      const entries = chain(BEFORE_THE_FIRST, records(5), undefined);
      await store.append(BEFORE_THE_FIRST, entries);
      await store.removeBefore(4);
      expect(await numbersOf(store, 1)).toEqual([4, 5]);
      const [next] = chain(await store.head(), records(1), undefined);
      await store.append(await store.head(), [next!]);
      expect(await numbersOf(store, 1)).toEqual([4, 5, 6]);
    });

    test('what many processes record at once is in one chain, and nothing is in it twice or missing', async () => {
      const store = await makeStore();
      const logger = pino({ level: 'silent' });
      const trails = Array.from({ length: 4 }, () => createAuditTrail({ store, key: 'k'.repeat(32), logger }));
      const recorded = await Promise.all(
        Array.from({ length: 400 }, (_, i) => trails[i % trails.length]!.record({ ...someEvent, outcome: 'begun' })),
      );
      for (const [i, id] of recorded.entries()) trails[i % trails.length]!.note(someEvent, id);
      await Promise.all(trails.map((trail) => trail.stop()));
      const entries = (await textsOf(store, 1)).map((text) => JSON.parse(text) as AuditEntry);
      const ids = (outcome: string) => entries.filter((entry) => entry.outcome === outcome).map(({ id }): string => id);
      expect(ids('begun').sort()).toEqual([...recorded].sort());
      expect(ids('done').sort()).toEqual([...recorded].sort());
      expect(await verifyEntries(texts(store), { keys: ['k'.repeat(32)] })).toMatchObject({
        ...{ entries: 800, first: 1, unsealed: 0, before: 'nothing' },
        last: await store.head(),
      });
    });
  });
}

async function* texts(store: AuditStore): AsyncGenerator<string> {
  for await (const { text } of store.read(1)) yield text;
}

async function entriesOf(store: AuditStore, from: number) {
  const found: { number: number; text: string }[] = [];
  for await (const entry of store.read(from)) found.push(entry);
  return found;
}

const textsOf = async (store: AuditStore, from: number) => (await entriesOf(store, from)).map(({ text }) => text);
const numbersOf = async (store: AuditStore, from: number) => (await entriesOf(store, from)).map(({ number }) => number);
