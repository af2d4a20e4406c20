import { Redis } from 'ioredis';
import { createRedisAccountStore } from '../src/adapters/accounts/redis-account-store.ts';

/** Makes an operator's account for the user of `goodClaims`, because the role is looked up with each request. */
export async function makeOperator(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  const account = {
    userId: 'u1',
    email: 'operator@example.com',
    passwordHash: 'none',
    createdAt: new Date().toISOString(),
  };
  await createRedisAccountStore({ redis }).create({ ...account, role: 'operator' });
  redis.disconnect();
}
