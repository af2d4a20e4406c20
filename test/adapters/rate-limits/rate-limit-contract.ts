import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { RateLimit } from '../../../src/adapters/rate-limits/rate-limit.ts';

/**
 * What every rate limit must do.
 * @param makeLimit makes a limit that shares its counts with all others made by it
 */
export function describeRateLimit(name: string, makeLimit: (name: string, quota: number) => Promise<RateLimit>): void {
  describe(`${name} limits how often something is used`, () => {
    test('a key has its quota, is told what is left, and is refused after that', async () => {
      const limit = await makeLimit(randomUUID(), 3);
      expect(limit.quota).toBe(3);
      const uses = [await limit.use('k'), await limit.use('k'), await limit.use('k'), await limit.use('k')];
      expect(uses.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
        [true, 2],
        [true, 1],
        [true, 0],
        [false, 0],
      ]);
    });

    test('the window begins with the first use of a key, and a refused use does not prolong it', async () => {
      const limit = await makeLimit(randomUUID(), 1);
      const first = await limit.use('k');
      expect(first.windowEndsInMs).toBeGreaterThan(0);
      expect(first.windowEndsInMs).toBeLessThanOrEqual(limit.windowSeconds * 1000);
      const refused = await limit.use('k');
      expect(refused).toMatchObject({ allowed: false });
      expect(refused.windowEndsInMs).toBeLessThanOrEqual(first.windowEndsInMs);
    });

    test('of many uses at once in two processes, as many are allowed as the quota says', async () => {
      const shared = randomUUID();
      const [one, other] = [await makeLimit(shared, 10), await makeLimit(shared, 10)];
      const uses = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? one : other).use('k')));
      expect(uses.filter(({ allowed }) => allowed)).toHaveLength(10);
    });

    test('each key, and each limit of another name, counts for itself', async () => {
      const limit = await makeLimit(randomUUID(), 1);
      await limit.use('k');
      expect(await limit.use('another')).toMatchObject({ allowed: true });
      expect(await (await makeLimit(randomUUID(), 1)).use('k')).toMatchObject({ allowed: true });
    });
  });
}
