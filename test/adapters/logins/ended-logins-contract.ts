import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { EndedLogins } from '../../../src/adapters/logins/ended-logins.ts';
import { until } from '../../until.ts';

/**
 * What every store of ended logins must do.
 * @param startProcess starts a process that shares the store with the others
 */
export function describeEndedLogins(name: string, startProcess: (keepMs: number) => Promise<EndedLogins>): void {
  describe(`${name} knows which logins have ended`, () => {
    test('a login that ends at one process has ended at all, also at those that start later', async () => {
      const loginId = randomUUID();
      const [one, other] = [await startProcess(60_000), await startProcess(60_000)];
      await one.end(loginId);
      expect(one.has(loginId)).toBe(true);
      await until('the other has heard of it', () => other.has(loginId));
      const late = await startProcess(60_000);
      expect(late.has(loginId)).toBe(true);
    });

    test('a login that nobody has ended goes on', async () => {
      const process = await startProcess(60_000);
      await process.end(randomUUID());
      expect(process.has(randomUUID())).toBe(false);
    });

    test('a login that ends twice has ended', async () => {
      const loginId = randomUUID();
      const process = await startProcess(60_000);
      await process.end(loginId);
      await process.end(loginId);
      expect(process.has(loginId)).toBe(true);
    });

    test('an ended login is forgotten when its tokens have expired', async () => {
      const loginId = randomUUID();
      const process = await startProcess(300);
      await process.end(loginId);
      await until('it is forgotten', () => !process.has(loginId));
    });
  });
}
