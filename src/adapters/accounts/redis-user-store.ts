import type { Redis } from 'ioredis';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { User, UserStore } from './user-store.ts';

/** Accounts in Redis: one JSON string a user, and one key an email that names the user's id. */
export function createRedisUserStore({ redis }: { redis: Redis }): UserStore {
  const read = async (userId: string | null): Promise<User | undefined> => {
    const text = userId === null ? null : await redis.get(redisKeys.user(userId));
    return text === null ? undefined : (JSON.parse(text) as User);
  };
  const byEmail = async (email: string) => read(await redis.get(redisKeys.email(email)));

  return {
    create: (user) =>
      orStoreUnavailable(
        (async () => {
          // The account first: an email that names no account would be taken for ever.
          await redis.set(redisKeys.user(user.userId), JSON.stringify(user));
          if (await redis.set(redisKeys.email(user.email), user.userId, 'NX')) return 'created';
          await redis.del(redisKeys.user(user.userId));
          return 'email_taken';
        })(),
      ),
    byEmail: (email) => orStoreUnavailable(byEmail(email)),
    byId: (userId) => orStoreUnavailable(read(userId)),
    setRole: (email, role) =>
      orStoreUnavailable(
        (async () => {
          const user = await byEmail(email);
          if (!user) return false;
          await redis.set(redisKeys.user(user.userId), JSON.stringify({ ...user, role }));
          return true;
        })(),
      ),
  };
}
