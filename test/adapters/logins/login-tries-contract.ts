import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { LoginTries, LoginTriesRules } from '../../../src/adapters/logins/login-tries.ts';
import { until } from '../../until.ts';

const HOUR_MS = 3_600_000;

/**
 * What every store of tries to log in must do.
 * @param makeTries all that it makes share their counts
 */
export function describeLoginTries(name: string, makeTries: (rules: LoginTriesRules) => Promise<LoginTries>): void {
  describe(`${name} counts tries to log in`, () => {
    const rules = { free: 3, firstWaitMs: HOUR_MS, longestWaitMs: 10 * HOUR_MS, keepMs: 24 * HOUR_MS };

    test('so many tries are free, and the next one must wait', async () => {
      const tries = await makeTries(rules);
      const key = randomUUID();
      for (let i = 0; i < 3; i++) expect(await tries.begin(key)).toBe(0);
      const waitMs = await tries.begin(key);
      expect(waitMs).toBeGreaterThan(HOUR_MS - 60_000);
      expect(waitMs).toBeLessThanOrEqual(HOUR_MS);
    });

    test('of many tries at once no more than the free ones pass', async () => {
      const tries = await makeTries(rules);
      const key = randomUUID();
      const waits = await Promise.all(Array.from({ length: 20 }, () => tries.begin(key)));
      expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(3);
    });

    test('each failure after the free ones doubles the wait, up to the longest', async () => {
      const key = randomUUID();
      const quick = await makeTries({ ...rules, firstWaitMs: 1, longestWaitMs: 1 });
      for (let i = 0; i < 5; i++) await until('it may try', async () => (await quick.begin(key)) === 0);
      const waitMs = await (await makeTries(rules)).begin(key);
      expect(waitMs).toBeGreaterThan(4 * HOUR_MS - 60_000);
      expect(waitMs).toBeLessThanOrEqual(4 * HOUR_MS);
      const bounded = await (await makeTries({ ...rules, longestWaitMs: 2 * HOUR_MS })).begin(key);
      expect(bounded).toBeLessThanOrEqual(2 * HOUR_MS);
    });

    test('a try that must wait does not make the wait longer', async () => {
      const tries = await makeTries(rules);
      const key = randomUUID();
      for (let i = 0; i < 3; i++) await tries.begin(key);
      const first = await tries.begin(key);
      for (let i = 0; i < 5; i++) expect(await tries.begin(key)).toBeLessThanOrEqual(first);
    });

    test('after a success the count begins again', async () => {
      const tries = await makeTries(rules);
      const key = randomUUID();
      for (let i = 0; i < 4; i++) await tries.begin(key);
      await tries.forget(key);
      expect(await tries.begin(key)).toBe(0);
      await tries.forget(randomUUID());
    });

    test('each key counts for itself', async () => {
      const tries = await makeTries(rules);
      const key = randomUUID();
      for (let i = 0; i < 4; i++) await tries.begin(key);
      expect(await tries.begin(randomUUID())).toBe(0);
    });

    test('tries are forgotten in the end', async () => {
      const tries = await makeTries({ ...rules, free: 1, keepMs: 100 });
      const key = randomUUID();
      expect(await tries.begin(key)).toBe(0);
      await until('it is forgotten', async () => (await tries.begin(key)) === 0);
    });
  });
}
