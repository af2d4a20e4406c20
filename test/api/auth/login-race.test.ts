import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisAccountStore } from '../../../src/adapters/accounts/redis-account-store.ts';
import { createRedisRefreshFamilyStore } from '../../../src/adapters/logins/redis-refresh-family-store.ts';
import { createAccessTokens } from '../../../src/api/auth/access-tokens.ts';
import { noNotices } from '../../../src/api/auth/account-notices.ts';
import { createAccounts } from '../../../src/api/auth/accounts.ts';
import { createRefreshTokens } from '../../../src/api/auth/refresh-tokens.ts';
import { createSecondFactors } from '../../../src/api/auth/second-factor.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { testRedisUrl } from '../../services.ts';

test('a login that began with the password alone does not outlive the moment when a second factor is set up', async () => {
  const redis = new Redis(await testRedisUrl());
  const store = createRedisAccountStore({ redis });
  const families = createRedisRefreshFamilyStore({ redis, ttlMs: 60_000 });
  const [userId, email] = [randomUUID(), `${randomUUID()}@example.com`];
  await store.create({ userId, email, passwordHash: 'a hash', role: 'user', createdAt: new Date().toISOString() });
  const secondFactor = { confirmedAt: new Date().toISOString(), lastStep: 0, recoveryCodes: [] };
  const accounts = createAccounts({
    store,
    passwords: {
      hash: async () => 'a hash',
      // While the password is compared, the user sets up an authenticator app.
      verify: async () => (await store.change(userId, (account) => ({ ...account, secondFactor }))) !== undefined,
    },
    accessTokens: createAccessTokens({ secret: 's'.repeat(32), issuer: 'i', audience: 'a', ttlMs: 60_000 }),
    refreshTokens: createRefreshTokens({
      ...{ store: families, graceMs: 1_000, maxMs: 60_000, onReuse: () => {} },
      endFamily: families.remove,
    }),
    secondFactors: createSecondFactors({
      ...{ store, seals: plainTexts, guard: (_who, check) => check(), onRecoveryCode: () => {}, notices: noNotices },
    }),
    staffSecondFactor: 'required',
    providerLoginMaxMs: 60_000,
  });
  const client = { address: '203.0.113.1', agent: '' };
  await expect(accounts.login({ email, password: 'known to somebody else' }, client)).rejects.toMatchObject({
    code: 'invalid_credentials',
  });
  expect(await families.list(userId)).toEqual([]);
  redis.disconnect();
});
