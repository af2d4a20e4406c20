import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { IdempotencyKeys } from '../../../src/adapters/idempotency-keys/idempotency-keys.ts';
import { until } from '../../until.ts';

/** What every store of idempotency keys must do. */
export function describeIdempotencyKeys(name: string, makeKeys: (ttlMs: number) => Promise<IdempotencyKeys>): void {
  describe(`${name} keeps idempotency keys`, () => {
    let keys: IdempotencyKeys;
    beforeAll(async () => {
      keys = await makeKeys(60_000);
    });

    const claimOf = (sessionId: string) => ({ sessionId, requestId: `${sessionId}-r`, fingerprint: `${sessionId}-f` });

    test('a key that comes again gives the first claim as it was', async () => {
      const user = randomUUID();
      const first = claimOf('s1');
      expect(await keys.claim(user, 'k', first)).toEqual({ claim: first, repeated: false });
      expect(await keys.claim(user, 'k', claimOf('s2'))).toEqual({ claim: first, repeated: true });
    });

    test('of many that come at once with one key, one is the first', async () => {
      const user = randomUUID();
      const claims = await Promise.all(Array.from({ length: 50 }, (_, i) => keys.claim(user, 'k', claimOf(`s${i}`))));
      expect(claims.filter(({ repeated }) => !repeated)).toHaveLength(1);
      expect(new Set(claims.map(({ claim }) => claim.sessionId)).size).toBe(1);
    });

    test("users do not see each other's keys, whatever colons are in them", async () => {
      const user = randomUUID();
      await keys.claim(user, 'a:b', claimOf('s1'));
      expect(await keys.claim(randomUUID(), 'a:b', claimOf('s2'))).toMatchObject({ repeated: false });
      expect(await keys.claim(`${user}:a`, 'b', claimOf('s3'))).toMatchObject({ repeated: false });
    });

    test('a key is forgotten after its time, and a repeat does not prolong it', async () => {
      const user = randomUUID();
      const forgetful = await makeKeys(200);
      await forgetful.claim(user, 'k', claimOf('s1'));
      await until('it is forgotten', async () => !(await forgetful.claim(user, 'k', claimOf('s2'))).repeated);
    });
  });
}
