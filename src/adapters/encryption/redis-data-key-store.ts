import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { scanKeys } from '../redis/scan-keys.ts';
import type { DataKeyStore, StoredKey } from './data-key-store.ts';
import type { WrappedKey } from './master-keys.ts';
import { replaceDataKey } from './redis-scripts/replace-data-key.ts';

const DESTROYED = 'destroyed';
const KEY = redisKeys.dataKey('');

/**
 * Data keys in Redis: a string for each owner. The commands of a call are sent together: one round trip. `all` finds the keys
 * by their names, so it needs the right to SCAN.
 */
export function createRedisDataKeyStore({ redis }: { redis: Redis }): DataKeyStore {
  const get = async (owner: string) => storedKeyOf(await redis.get(redisKeys.dataKey(owner)));

  async function addOne({ owner, key }: { owner: string; key: WrappedKey }): Promise<StoredKey> {
    const [, stored] = await Promise.all([redis.set(redisKeys.dataKey(owner), textOf(key), 'NX'), get(owner)]);
    return stored!;
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
    add: (keys) => orStoreUnavailable(Promise.all(keys.map(addOne))),
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
