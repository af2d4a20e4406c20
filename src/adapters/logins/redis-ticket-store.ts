import type { VerifiedToken } from '../../contracts/account.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { TicketStore } from './ticket-store.ts';

/** Tickets in Redis: one JSON string each. Every method costs one command. */
export function createRedisTicketStore({ redis }: { redis: Redis }): TicketStore {
  return {
    keep: async (ticketHash, { userId, role, tenantId, loginId, expiresAt }, ttlMs) => {
      const token = JSON.stringify({ userId, role, tenantId, loginId, expiresAt });
      await orStoreUnavailable(redis.set(redisKeys.ticket(ticketHash), token, 'PX', ttlMs));
    },
    take: async (ticketHash) => {
      const token = await orStoreUnavailable(redis.getdel(redisKeys.ticket(ticketHash)));
      return token === null ? undefined : (JSON.parse(token) as VerifiedToken);
    },
  };
}
