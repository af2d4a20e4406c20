import { expect, test } from '@jest/globals';
import type { Claim, IdempotencyKeys } from '../../../src/adapters/idempotency-keys/idempotency-keys.ts';
import { claimKey, readIdempotencyKey } from '../../../src/api/chat/idempotency.ts';

/** Keys of one user, in memory. */
function createKeys(): IdempotencyKeys {
  const claims = new Map<string, Claim>();
  return {
    claim: async (_userId, key, claim) => {
      const first = claims.get(key);
      if (!first) claims.set(key, claim);
      return { claim: first ?? claim, repeated: first !== undefined };
    },
  };
}

const question = (meaning: unknown, sessionId: string) => ({
  ...{ userId: 'u', key: 'k', meaning },
  ids: { sessionId, requestId: `${sessionId}-r` },
});

test('a question that comes again with its key gets the first ids', async () => {
  const keys = createKeys();
  const ids = { sessionId: 's1', requestId: 's1-r' };
  expect(await claimKey(keys, question(['question'], 's1'))).toEqual({ ids, repeated: false });
  expect(await claimKey(keys, question(['question'], 's2'))).toEqual({ ids, repeated: true });
});

test('a key that comes again with another question is refused', async () => {
  const keys = createKeys();
  await claimKey(keys, question(['question'], 's1'));
  await expect(claimKey(keys, question(['another'], 's1'))).rejects.toMatchObject({ code: 'idempotency_key_reused' });
});

test.each([
  ['"abc"', 'abc'],
  ['"with \\"quotes\\" and \\\\"', 'with "quotes" and \\'],
  ['"abc";version=1', 'abc'],
  [`"${'x'.repeat(128)}"`, 'x'.repeat(128)],
  ['"unfinished', '"unfinished'],
  ['a"b"', 'a"b"'],
])('the key %s is the same as %s', (header, key) => {
  expect(readIdempotencyKey(header)).toBe(key);
});

test.each(['a', 'f0e1-22', 'with space', 'x'.repeat(128)])('the key %s is taken', (key) => {
  expect(readIdempotencyKey(key)).toBe(key);
});

test.each(['', ' ', '""', '" "', 'ümlaut', 'tab\there', 'x'.repeat(129)])('the key %j is refused', (key) => {
  expect(() => readIdempotencyKey(key)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
});

test('no key is no fault', () => {
  expect(readIdempotencyKey(undefined)).toBeUndefined();
});
