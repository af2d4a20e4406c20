import { randomBytes } from 'node:crypto';
import { createDataKeys } from '../src/adapters/encryption/data-keys.ts';
import { createConfiguredMasterKeys } from '../src/adapters/encryption/master-keys.ts';
import { createRedisDataKeyStore } from '../src/adapters/encryption/redis-data-key-store.ts';
import { createTextSeals } from '../src/adapters/encryption/text-seals.ts';
import type { Redis } from '../src/adapters/redis/redis.ts';

/** Encryption with a master key of its own, and data keys in this Redis. */
export const testSeals = (redis: Redis) =>
  createTextSeals(
    createDataKeys({
      store: createRedisDataKeyStore({ redis }),
      masterKeys: createConfiguredMasterKeys([{ id: 'k1', key: randomBytes(32) }]),
    }),
  );
