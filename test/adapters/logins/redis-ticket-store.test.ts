import { afterAll } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisTicketStore } from '../../../src/adapters/logins/redis-ticket-store.ts';
import { testRedisUrl } from '../../services.ts';
import { describeTicketStore } from './ticket-store-contract.ts';

let opened: Redis | undefined;
afterAll(() => opened?.quit());

describeTicketStore('Redis', async () => {
  opened = new Redis(await testRedisUrl());
  return createRedisTicketStore({ redis: opened });
});
