import { Redis } from 'ioredis';
import { createRedisAccountStore } from '../src/adapters/accounts/redis-account-store.ts';

/** Makes an admin's account for the user of `goodClaims`, because an admin's role is looked up with each request. */
export async function makeAdmin(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  const account = {
    userId: 'u1',
    email: 'admin@example.com',
    passwordHash: 'none',
    createdAt: new Date().toISOString(),
  };
  await createRedisAccountStore({ redis }).create({ ...account, role: 'admin' });
  redis.disconnect();
}
