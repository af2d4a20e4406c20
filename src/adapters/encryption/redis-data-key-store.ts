import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { SafeWrites } from '../redis/safe-writes.ts';
import { scanKeys } from '../redis/scan-keys.ts';
import type { DataKeyStore, StoredKey } from './data-key-store.ts';
import type { WrappedKey } from './master-keys.ts';
import { replaceDataKey } from './redis-scripts/replace-data-key.ts';

const DESTROYED = 'destroyed';
const KEY = redisKeys.dataKey('');

/**
 * Data keys in Redis: a string for each owner. The commands of a call are sent together: one round trip. `all` finds the keys
 * by their names, so it needs the right to SCAN.
 * @param options.safeWrites a new key is given out once it is safe. Without it, a failover may lose a key that was used
 */
export function createRedisDataKeyStore(options: { redis: Redis; safeWrites?: SafeWrites | undefined }): DataKeyStore {
  const { redis, safeWrites } = options;
  const get = async (owner: string) => storedKeyOf(await redis.get(redisKeys.dataKey(owner)));

  async function addTo(on: Redis, { owner, key }: { owner: string; key: WrappedKey }): Promise<StoredKey> {
    const name = redisKeys.dataKey(owner);
    const [, stored] = await Promise.all([on.set(name, textOf(key), 'NX'), on.get(name)]);
    return storedKeyOf(stored)!;
  }

  async function* all(): AsyncGenerator<{ owner: string; key: StoredKey }> {
    for await (const names of scanKeys(redis, redisKeys.dataKey('*'))) {
      const owners = names.map((name) => name.slice(KEY.length));
      const keys = await orStoreUnavailable(Promise.all(owners.map(get)));
      for (const [index, key] of keys.entries()) if (key) yield { owner: owners[index]!, key };
    }
  }

  async function masterKeys(): Promise<Map<string, WrappedKey>> {
    const checks = Object.entries(await redis.hgetall(redisKeys.masterKeys()));
    return new Map(checks.map(([id, check]) => [id, JSON.parse(check) as WrappedKey]));
  }

  return {
    read: (owners) => orStoreUnavailable(Promise.all(owners.map(get))),
    add: (keys) => {
      const addAll = (on: Redis) => orStoreUnavailable(Promise.all(keys.map((key) => addTo(on, key))));
      return safeWrites && keys.length > 0 ? safeWrites.make(() => addAll(safeWrites.redis)) : addAll(redis);
    },
    replace: (owner, before, after) => orStoreUnavailable(replaceDataKey(redis, owner, textOf(before), textOf(after))),
    destroy: async (owner) => void (await orStoreUnavailable(redis.set(redisKeys.dataKey(owner), DESTROYED))),
    all,
    masterKeys: () => orStoreUnavailable(masterKeys()),
    addMasterKey: async (check) =>
      void (await orStoreUnavailable(redis.hset(redisKeys.masterKeys(), check.master, textOf(check)))),
    removeMasterKeys: async (ids) => {
      if (ids.length > 0) await orStoreUnavailable(redis.hdel(redisKeys.masterKeys(), ...ids));
    },
  };
}

/** The same key always has the same text, so that a script can compare it. */
const textOf = ({ master, key }: WrappedKey) => JSON.stringify({ master, key });

function storedKeyOf(text: string | null): StoredKey | undefined {
  if (text === null) return undefined;
  return text === DESTROYED ? DESTROYED : (JSON.parse(text) as WrappedKey);
}
