import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisMailedLinks } from '../../../src/adapters/accounts/mailed-links.ts';
import { createRedisAccountStore } from '../../../src/adapters/accounts/redis-account-store.ts';
import { createRedisRefreshFamilyStore } from '../../../src/adapters/logins/redis-refresh-family-store.ts';
import { accountsGroup } from '../../../src/main/erasure/groups/accounts.ts';
import { testRedisUrl } from '../../services.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

test.each([
  ['has said an email', { email: 'ann@clinic.example' }, 'ann@clinic.example'],
  ['has said none', {}, null],
])(
  'the account of somebody whose identity provider %s is exported with what is known of it',
  async (_, said, email) => {
    const accounts = createRedisAccountStore({ redis });
    const families = createRedisRefreshFamilyStore({ redis, ttlMs: 60_000 });
    const userId = randomUUID();
    const at = new Date().toISOString();
    const hash = randomUUID();
    await accounts.create({
      ...{ userId, email: `oidc:${hash}`, role: 'user', createdAt: at },
      provider: { confirmedAt: at, ...said },
    });
    const links = createRedisMailedLinks({ redis });
    const group = accountsGroup({ accounts, families, links, logins: { endAll: async () => 0 } });
    const given = [];
    for await (const item of group.export.account({ userId, traces: async function* () {} })) given.push(item);
    expect(given).toEqual([
      expect.objectContaining({ userId, email, atIdentityProvider: { hash, of: expect.stringContaining('SHA-256') } }),
    ]);
    expect(JSON.stringify(given)).not.toContain('oidc:');
  },
);
