import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AccountStore } from '../../../src/adapters/accounts/account-store.ts';
import { createRedisAccountStore } from '../../../src/adapters/accounts/redis-account-store.ts';
import { noNotices } from '../../../src/api/auth/account-notices.ts';
import { createSecondFactors, type SecondFactors } from '../../../src/api/auth/second-factor.ts';
import type { Account } from '../../../src/contracts/account.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { testRedisUrl } from '../../services.ts';
import { codeOf } from '../../totp.ts';

let redis: Redis;
let store: AccountStore;
let secondFactors: SecondFactors;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
  store = createRedisAccountStore({ redis });
  secondFactors = secondFactorsWith();
});
afterAll(() => redis.quit());

/** @param meanwhile happens after an account was looked at, and before a code of it is used up */
const secondFactorsWith = (meanwhile: () => Promise<unknown> = async () => {}) =>
  createSecondFactors({
    ...{ store, seals: plainTexts, notices: noNotices, onRecoveryCode: () => {} },
    guard: async (_who, check) => {
      await meanwhile();
      return check();
    },
  });

async function newAccount(): Promise<Account> {
  const account = {
    ...{ userId: randomUUID(), email: `${randomUUID()}@example.com`, passwordHash: 'a hash', role: 'user' as const },
    createdAt: new Date().toISOString(),
  };
  await store.create(account);
  return account;
}

const nowOf = async ({ userId }: Account): Promise<Account> => (await store.byId(userId))!;

test('of two confirmations at once, one counts, and its recovery codes stay', async () => {
  const account = await newAccount();
  const { uri } = await secondFactors.begin(account.userId);
  let codes: string[] = [];
  const slower = secondFactorsWith(async () => {
    codes = await secondFactors.confirm(account.userId, codeOf(uri));
  });
  // This code was not used yet.
  await expect(slower.confirm(account.userId, codeOf(uri, 1))).rejects.toMatchObject({ code: 'second_factor_exists' });
  await secondFactors.prove(await nowOf(account), codes[0]);
});

test('a confirmation ends the logins to the admin’s pages in the same step', async () => {
  const account = await newAccount();
  const { uri } = await secondFactors.begin(account.userId);
  await secondFactors.confirm(account.userId, codeOf(uri));
  const { secondFactor, sessionsEndedAt } = await nowOf(account);
  expect([secondFactor!.confirmedAt, sessionsEndedAt]).toEqual([expect.any(String), expect.any(String)]);
});

test('nobody removes a second factor without its code, also if it is confirmed after the account was looked at', async () => {
  const before = await newAccount();
  const { uri } = await secondFactors.begin(before.userId);
  const [code] = await secondFactors.confirm(before.userId, codeOf(uri));
  await expect(secondFactors.remove(before, '000000')).rejects.toMatchObject({ code: 'second_factor_exists' });
  const now = await nowOf(before);
  expect(now.secondFactor?.confirmedAt).toBeDefined();
  await secondFactors.remove(now, code!);
  expect((await nowOf(before)).secondFactor).toBeUndefined();
});

test('a code of an app that was never confirmed proves nothing', async () => {
  const account = await newAccount();
  const { uri: confirmed } = await secondFactors.begin(account.userId);
  await secondFactors.confirm(account.userId, codeOf(confirmed));
  const before = await nowOf(account);
  // Somebody took it away, and another app was begun.
  await store.change(account.userId, ({ secondFactor: _, ...rest }) => rest);
  const { uri } = await secondFactors.begin(account.userId);
  await expect(secondFactors.prove(before, codeOf(uri))).rejects.toMatchObject({ code: 'wrong_code' });
});
