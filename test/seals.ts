import { randomBytes } from 'node:crypto';
import { createDataKeys } from '../src/adapters/encryption/data-keys.ts';
import { createConfiguredMasterKeys } from '../src/adapters/encryption/master-keys.ts';
import { createRedisDataKeyStore } from '../src/adapters/encryption/redis-data-key-store.ts';
import { createTextSeals } from '../src/adapters/encryption/text-seals.ts';
import type { Redis } from '../src/adapters/redis/redis.ts';

/** A value of ENCRYPTION_KEYS. */
export const newMasterKey = () => `k1:${randomBytes(32).toString('base64')}`;

/** Seals texts as a process does that has this master key. */
export function openSeals(redis: Redis, masterKey: string) {
  const [id, key] = masterKey.split(':') as [string, string];
  const masterKeys = createConfiguredMasterKeys([{ id, key: Buffer.from(key, 'base64') }]);
  const store = createRedisDataKeyStore({ redis });
  const dataKeys = createDataKeys({ store, masterKeys });
  return { seals: createTextSeals(dataKeys), store, dataKeys };
}
