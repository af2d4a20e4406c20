import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from 'mongodb';
import { admitMasterKeys } from '../adapters/encryption/admit-master-keys.ts';
import { createBodySeals } from '../adapters/encryption/body-seals.ts';
import { createCacheKeys } from '../adapters/encryption/cache-keys.ts';
import type { DataKeyStore } from '../adapters/encryption/data-key-store.ts';
import { createDataKeys } from '../adapters/encryption/data-keys.ts';
import { destroyDataKey, forgetDestroyedKeys } from '../adapters/encryption/destroyed-keys.ts';
import { createConfiguredMasterKeys, type MasterKey, type MasterKeys } from '../adapters/encryption/master-keys.ts';
import { createMongoDbDataKeyStore } from '../adapters/encryption/mongodb-data-key-store.ts';
import { createRedisDataKeyStore } from '../adapters/encryption/redis-data-key-store.ts';
import { createTextSeals, ownerOf } from '../adapters/encryption/text-seals.ts';
import { orStoreUnavailable } from '../adapters/redis/connect-redis.ts';
import type { Redis, Subscriber } from '../adapters/redis/redis.ts';
import type { SafeWrites } from '../adapters/redis/safe-writes.ts';
import { type CacheKeys, plainCacheKeys } from '../contracts/cache-keys.ts';
import { KEYS_STORE_KEY } from '../contracts/redis-keys.ts';
import { type BodySeals, except, plainBodies, plainTexts, type TextSeals } from '../contracts/sealing.ts';
import type { Logger } from '../observability/log.ts';

const RETRY_MS = 1_000;
/** What other services may read: titles in Redis, and questions in messages. Whoever publishes answers leaves them open, too. */
const READ_BY_OTHERS = ['title', 'request'] as const;

/** Data keys last as long as what they encrypt, so they are in MongoDB if there is one. */
export const dataKeyStoreOf = ({ db, ...ofRedis }: StoreOptions): DataKeyStore =>
  db ? createMongoDbDataKeyStore({ db }) : createRedisDataKeyStore(ofRedis);

interface StoreOptions {
  redis: Redis;
  /** undefined: a failover of Redis may lose a new key. */
  safeWrites?: SafeWrites | undefined;
  db: Db | undefined;
}

/** undefined: ENCRYPTION_KEYS is not set. */
export function masterKeysOf([first, ...others]: readonly MasterKey[]): MasterKeys | undefined {
  return first && createConfiguredMasterKeys([first, ...others]);
}

export interface Encryption {
  seals: TextSeals;
  /** For dead letters. */
  bodies: BodySeals;
  /** Of cached answers. */
  cacheKeys: CacheKeys;
  /**
   * Resolves once the master keys are known to be those of the stores. If they are not, the process logs what to do, and ends.
   * Call it once the stores are admitted.
   */
  admit(): Promise<void>;
  /** Whether a user has a key that can be destroyed. */
  hasKey(userId: string): Promise<boolean>;
  /** Destroys a user's key for ever, also while encryption is off. */
  destroyKey(userId: string): Promise<void>;
}

/** Encrypts texts if ENCRYPTION_KEYS is set. */
export function createEncryption(options: {
  config: { encryptionKeys: MasterKey[]; plainTextsForOthers: boolean };
  redis: Redis;
  safeWrites: SafeWrites | undefined;
  subscriber: Subscriber;
  db: Db | undefined;
  logger: Logger;
}): Encryption {
  const { config, redis, safeWrites, subscriber, db, logger } = options;
  const store = dataKeyStoreOf({ redis, safeWrites, db });
  const masterKeys = masterKeysOf(config.encryptionKeys);
  const admit = async () => {
    if (masterKeys) await mustUseTheStoreOfAll({ redis, inMongoDb: db !== undefined, logger });
    await admitted({ store, masterKeys, logger });
  };
  const parts = { admit, ...keyOfUser({ redis, store }) };
  if (!masterKeys) return { seals: plainTexts, bodies: plainBodies, cacheKeys: plainCacheKeys, ...parts };
  const dataKeys = createDataKeys({ store, masterKeys });
  forgetDestroyedKeys({ subscriber, dataKeys });
  // After a failover, the new primary may not have a key that another process has just made.
  redis.on('ready', () => dataKeys.forget());
  const seals = createTextSeals(dataKeys);
  return {
    seals: config.plainTextsForOthers ? except(READ_BY_OTHERS, seals) : seals,
    bodies: createBodySeals(dataKeys),
    cacheKeys: createCacheKeys(dataKeys),
    ...parts,
  };
}

/** What an erasure does with the key of a user. */
export function keyOfUser({ redis, store }: { redis: Redis; store: DataKeyStore }) {
  return {
    hasKey: async (userId: string) => {
      const [key] = await store.read([ownerOf(userId)]);
      return key !== undefined && key !== 'destroyed';
    },
    destroyKey: (userId: string) => destroyDataKey({ redis, store, owner: ownerOf(userId) }),
  };
}

/**
 * If one process kept data keys in MongoDB and another one in Redis, neither could open what the other has encrypted. So the first
 * process decides where they are, before it makes any.
 */
async function mustUseTheStoreOfAll(options: { redis: Redis; inMongoDb: boolean; logger: Logger }): Promise<void> {
  const { redis, inMongoDb, logger } = options;
  const own = inMongoDb ? 'mongodb' : 'redis';
  const chosen = await untilKnown(logger, 'could not read where the keys of users are; trying again', async () => {
    await orStoreUnavailable(redis.set(KEYS_STORE_KEY, own, 'NX'));
    return await orStoreUnavailable(redis.get(KEYS_STORE_KEY));
  });
  if (chosen === own) return;
  logger.fatal(
    inMongoDb
      ? `the keys of users are in Redis, and this process has a MONGODB_URL: ${SAME_FOR_ALL} from Redis to MongoDB, ${DELETE_CLAIM}`
      : `the keys of users are in MongoDB, and this process has no MONGODB_URL: ${SAME_FOR_ALL} from MongoDB to Redis, ${DELETE_CLAIM}`,
  );
  process.exit(1);
}

const SAME_FOR_ALL = 'give api and workers the same. If you have moved everything';
const DELETE_CLAIM = `delete the key: DEL ${KEYS_STORE_KEY}`;

async function admitted(options: {
  store: DataKeyStore;
  masterKeys: MasterKeys | undefined;
  logger: Logger;
}): Promise<void> {
  const { store, masterKeys, logger } = options;
  const couldNot = 'could not compare the master keys with those of the store; trying again';
  const problem = await untilKnown(logger, couldNot, () => admitMasterKeys(store, masterKeys));
  if (problem === undefined) return;
  logger.fatal({ code: 'master_key_missing' }, problem);
  process.exit(1);
}

async function untilKnown<T>(logger: Logger, couldNot: string, look: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await look();
    } catch (error) {
      logger.warn({ err: error }, couldNot);
      await sleep(RETRY_MS);
    }
  }
}
