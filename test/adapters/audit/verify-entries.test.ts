import { beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createAuditTrail } from '../../../src/adapters/audit/audit-trail.ts';
import { BEFORE_THE_FIRST, chain } from '../../../src/adapters/audit/chain.ts';
import { createRedisAuditStore } from '../../../src/adapters/audit/redis-audit-store.ts';
import { removeOldEntries } from '../../../src/adapters/audit/remove-old-entries.ts';
import { verifyEntries } from '../../../src/adapters/audit/verify-entries.ts';
import { testRedisUrl } from '../../services.ts';
import { someEvent } from './audit-store-contract.ts';

const KEY = 'a'.repeat(32);
const NEW_KEY = 'b'.repeat(32);

const recordsOf = (count: number, day = '2026-01-01') =>
  Array.from({ length: count }, (_, i) => ({ id: `id ${i}`, at: `${day}T00:00:00.000Z`, ...someEvent }));

async function* each(texts: string[]) {
  yield* texts;
}

const verify = (texts: string[], keys: string[] = [KEY], head?: { number: number; hash: string }) =>
  verifyEntries(each(texts), { keys, head });

describe('a trail', () => {
  let texts: string[];
  let hashes: string[];
  beforeEach(() => {
    const entries = chain(BEFORE_THE_FIRST, recordsOf(10), KEY);
    texts = entries.map(({ text }) => text);
    hashes = entries.map(({ hash }) => hash);
  });

  test('as it was written is whole, with its seals and without looking at them', async () => {
    const whole = { entries: 10, first: 1, last: { number: 10, hash: hashes[9] }, unsealed: 0, before: 'nothing' };
    expect(await verify(texts)).toMatchObject(whole);
    expect(await verify(texts, [])).toMatchObject(whole);
    expect(await verify([])).toMatchObject({ entries: 0, first: undefined, last: undefined });
  });

  test('in which an entry was changed is broken there', async () => {
    for (const [from, to] of [
      ['"count":2', '"count":1'],
      ['"u1"', '"u2"'],
      ['"done"', '"failed"'],
      ['2026-01-01', '2026-01-02'],
    ] as const) {
      const changed = texts.with(3, texts[3]!.replace(from, to));
      await expect(verify(changed, [])).rejects.toThrow('Line 4, entry 4: its content was changed');
    }
  });

  test('in which an entry is missing, twice, or in another place is broken there', async () => {
    await expect(verify(texts.toSpliced(3, 1), [])).rejects.toThrow('Line 4, entry 5: it comes after entry 3');
    await expect(verify(texts.toSpliced(3, 0, texts[3]!), [])).rejects.toThrow(
      'Line 5, entry 4: it comes after entry 4',
    );
    await expect(verify(texts.with(3, texts[4]!), [])).rejects.toThrow('Line 4, entry 5');
  });

  test('in which an entry was replaced is broken at the next one, and one with a new end lacks the seal', async () => {
    const before = { number: 3, hash: hashes[2]! };
    const [replaced] = chain(before, recordsOf(1, '2026-02-02'), undefined);
    await expect(verify(texts.with(3, replaced!.text), [])).rejects.toThrow(
      'Line 5, entry 5: it does not follow the entry before',
    );
    const forged = [
      ...texts.slice(0, 3),
      ...chain(before, recordsOf(7, '2026-02-02'), undefined).map(({ text }) => text),
    ];
    expect(await verify(forged, [])).toMatchObject({ entries: 10 });
    await expect(verify(forged)).rejects.toThrow('Line 4, entry 4: none of AUDIT_KEYS has sealed it');
    const sealed = [...texts.slice(0, 3), ...chain(before, recordsOf(7), 'x'.repeat(32)).map(({ text }) => text)];
    await expect(verify(sealed)).rejects.toThrow('Line 4, entry 4: none of AUDIT_KEYS has sealed it');
  });

  test('whose seals were all taken away is not taken for one that never had any', async () => {
    const bare = chain(BEFORE_THE_FIRST, recordsOf(10), undefined).map(({ text }) => text);
    await expect(verify(bare)).rejects.toThrow('entry 10: it is the last, and has no seal');
  });

  test('that was sealed later, and with another key later still, is whole', async () => {
    const bare = chain(BEFORE_THE_FIRST, recordsOf(3), undefined);
    const sealed = chain(bare[2]!, recordsOf(3), KEY);
    const later = chain(sealed[2]!, recordsOf(3), NEW_KEY);
    const all = [...bare, ...sealed, ...later].map(({ text }) => text);
    expect(await verify(all, [NEW_KEY, KEY])).toMatchObject({ entries: 9, unsealed: 3 });
    await expect(verify(all, [NEW_KEY])).rejects.toThrow('Line 4, entry 4: none of AUDIT_KEYS');
  });

  test('whose end was cut off lacks the entry that the log has named', async () => {
    const head = { number: 10, hash: hashes[9]! };
    expect(await verify(texts, [KEY], head)).toMatchObject({ hasHead: true });
    expect(await verify(texts.slice(0, 9), [KEY], head)).toMatchObject({ entries: 9, hasHead: false });
  });

  test('that begins later does not say what was before', async () => {
    expect(await verify(texts.slice(4))).toMatchObject({ first: 5, before: 'unknown' });
    await expect(
      verify(chain({ number: 0, hash: hashes[0]! }, recordsOf(1), KEY).map(({ text }) => text)),
    ).rejects.toThrow('it follows another entry, although it is the first');
  });

  test.each(['', 'null', '{"number":1}', 'not JSON', '[]'])(
    'with a line that is no entry, %p, is broken',
    async (line) => {
      await expect(verify([...texts, line])).rejects.toThrow('Line 11: it is no entry of an audit trail');
    },
  );
});

test('a trail whose oldest entries were too old can still be verified, and says that they were removed', async () => {
  const redis = new Redis(await testRedisUrl());
  const store = createRedisAuditStore({ redis });
  const trail = createAuditTrail({ store, key: KEY, logger: pino({ level: 'silent' }) });
  const old = chain(BEFORE_THE_FIRST, recordsOf(700, '2020-01-01'), KEY);
  await store.append(BEFORE_THE_FIRST, old);
  await trail.record(someEvent);
  const before = Date.parse('2021-01-01');
  expect(await removeOldEntries({ store, trail }, before)).toBe(700);
  expect(await removeOldEntries({ store, trail }, before)).toBe(0);
  const left: string[] = [];
  for await (const { text } of store.read(1)) left.push(text);
  expect(left.map((text) => JSON.parse(text).action)).toEqual(['job.retry', 'trail.shorten']);
  expect(await verify(left)).toMatchObject({ entries: 2, first: 701, before: 'removed' });
  redis.disconnect();
});
