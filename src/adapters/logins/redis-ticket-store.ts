import type { Redis } from 'ioredis';
import type { Caller } from '../../contracts/account.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { TicketStore } from './ticket-store.ts';

/** Tickets in Redis: one JSON string each. Every method costs one command. */
export function createRedisTicketStore({ redis }: { redis: Redis }): TicketStore {
  return {
    keep: async (ticketHash, { userId, role }, ttlMs) => {
      const caller = JSON.stringify({ userId, role });
      await orStoreUnavailable(redis.set(redisKeys.ticket(ticketHash), caller, 'PX', ttlMs));
    },
    take: async (ticketHash) => {
      const caller = await orStoreUnavailable(redis.getdel(redisKeys.ticket(ticketHash)));
      return caller === null ? undefined : (JSON.parse(caller) as Caller);
    },
  };
}
