import type { Db } from 'mongodb';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { createRedisLogKeeper } from '../../adapters/answer-log/redis-log-keeper.ts';
import { createAuditTrail } from '../../adapters/audit/audit-trail.ts';
import { createBodySeals } from '../../adapters/encryption/body-seals.ts';
import { createDataKeys } from '../../adapters/encryption/data-keys.ts';
import type { ErasureStore } from '../../adapters/erasures/erasure-store.ts';
import { openJobShards } from '../../adapters/jobs/job-shards.ts';
import { endLogin } from '../../adapters/logins/redis-scripts/end-login.ts';
import { createIndexes } from '../../adapters/mongodb/indexes.ts';
import { channelOf } from '../../adapters/redis/channels.ts';
import { connectRedis, orStoreUnavailable } from '../../adapters/redis/connect-redis.ts';
import { readJobShards } from '../../adapters/redis/installation.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import type { DataEraser } from '../../api/erasure/erase-data.ts';
import { accountsAndTokens } from '../../config/settings/accounts-and-tokens.ts';
import { answerLog } from '../../config/settings/answer-log.ts';
import { auditTrail } from '../../config/settings/audit-trail.ts';
import { bridgeAndWorkflow } from '../../config/settings/bridge-and-workflow.ts';
import { encryption } from '../../config/settings/encryption.ts';
import { mongoDb } from '../../config/settings/mongodb.ts';
import { rabbitMqAndRedis } from '../../config/settings/rabbitmq-and-redis.ts';
import { requestsAndSessions } from '../../config/settings/requests-and-sessions.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { plainCacheKeys } from '../../contracts/cache-keys.ts';
import { KEYS_STORE_KEY, LOGIN_ENDED_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';
import { plainBodies, plainTexts } from '../../contracts/sealing.ts';
import { createLogger } from '../../observability/log.ts';
import { createLastingStores } from '../api/stores.ts';
import { dataKeyStoreOf, keyOfUser, masterKeysOf } from '../encryption.ts';
import { createErasers } from '../erasure/erasers.ts';
import { INDEXES } from '../mongodb.ts';
import { KEEP_ENDED_MS } from './accounts.ts';
import { UsageError } from './command.ts';
import { withMongoDb } from './mongodb-connection.ts';
import { readSetting } from './read-setting.ts';
import { withRedis } from './redis-connection.ts';

export interface Erasers {
  dataEraser: DataEraser;
  accounts: AccountStore;
  erasures: ErasureStore;
  trail: AuditTrail;
}

/**
 * Runs a part of a command with what erases users, in all servers of the settings.
 * @param name the name of this process in the servers' lists of clients
 * @throws UsageError a setting is missing, or wrong
 */
export async function withErasers(name: string, use: (erasers: Erasers) => Promise<void>): Promise<void> {
  await withRedis(name, async (redis) => {
    const isMongoDb = await withMongoDb(name, async (db) => {
      await createIndexes(db, INDEXES);
      await withCache(name, redis, (cacheRedis) => useErasers({ redis, cacheRedis, db }, use));
    });
    if (!isMongoDb) await withCache(name, redis, (cacheRedis) => useErasers({ redis, cacheRedis, db: undefined }, use));
  });
}

async function useErasers(
  { redis, cacheRedis, db }: { redis: Redis; cacheRedis: Redis; db: Db | undefined },
  use: (erasers: Erasers) => Promise<void>,
): Promise<void> {
  await mustReachTheStoreOfAll(redis, db !== undefined);
  const stores = createLastingStores({
    config: {
      historyRetentionMs: readSetting(requestsAndSessions.historyRetentionMs),
      sessionIdleMs: readSetting(mongoDb.sessionIdleMs),
      refreshTokenTtlMs: readSetting(accountsAndTokens.refreshTokenTtlMs),
      erasureReceiptsMs: readSetting(requestsAndSessions.erasureReceiptsMs),
    },
    ...{ redis, db, safeWrites: undefined, replica: 'command' },
    // Nothing is read that is sealed.
    seals: plainTexts,
  });
  const shards = openJobShards(redis, await readJobShards(redis));
  const [key, channel] = [redisKeys.endedLogins(), channelOf(redis, LOGIN_ENDED_CHANNEL)];
  const masterKeys = masterKeysOf(readSetting(encryption.encryptionKeys));
  const [auditKey] = readSetting(auditTrail.auditKeys);
  const trail = createAuditTrail({ store: stores.audit, key: auditKey, logger: createLogger('api', 'silent') });
  const { dataEraser } = createErasers({
    config: {
      rabbitmqUrl: readSetting(rabbitMqAndRedis.rabbitmqUrl),
      rabbitmqCaFile: readSetting(rabbitMqAndRedis.rabbitmqCaFile),
      rabbitmqCertFile: readSetting(rabbitMqAndRedis.rabbitmqCertFile),
      rabbitmqKeyFile: readSetting(rabbitMqAndRedis.rabbitmqKeyFile),
      publishers: readSetting(rabbitMqAndRedis.publishers),
      redeliveryWindowMs: readSetting(bridgeAndWorkflow.redeliveryWindowMs),
    },
    ...{ stores, shards, redis, cacheRedis, db, trail },
    encryption: {
      // Nothing is read that is sealed, but for dead letters, to see whose they are.
      ...{ seals: plainTexts, cacheKeys: plainCacheKeys },
      bodies: masterKeys
        ? createBodySeals(createDataKeys({ store: dataKeyStoreOf({ redis, db }), masterKeys }))
        : plainBodies,
      ...keyOfUser({ redis, store: dataKeyStoreOf({ redis, db }) }),
    },
    logs: createRedisLogKeeper({ redis, seals: plainTexts, ttlMs: readSetting(answerLog.answerLogTtlMs) }),
    endLogin: (loginId) => endLogin(redis, key, { loginId, keepMs: KEEP_ENDED_MS, channel }),
    logger: createLogger('api', 'silent'),
  });
  try {
    await use({ dataEraser, accounts: stores.accounts, erasures: stores.erasures, trail });
  } finally {
    await trail.stop();
    await shards.close();
  }
}

/** A receipt must not say that everything is erased while half of it is in a server that this command does not know. */
async function mustReachTheStoreOfAll(redis: Redis, inMongoDb: boolean): Promise<void> {
  const chosen = await orStoreUnavailable(redis.get(KEYS_STORE_KEY));
  if (chosen === null || chosen === (inMongoDb ? 'mongodb' : 'redis')) return;
  throw new UsageError(
    inMongoDb
      ? 'this installation keeps what lasts in Redis: leave out MONGODB_URL, as api and workers do'
      : 'this installation keeps what lasts in MongoDB: set MONGODB_URL, as for api and workers',
  );
}

async function withCache(name: string, redis: Redis, use: (cacheRedis: Redis) => Promise<void>): Promise<void> {
  const url = readSetting(rabbitMqAndRedis.cacheRedisUrl);
  if (!url) return await use(redis);
  const cacheRedis = connectRedis({
    ...{ url, name: `${name} (cache)`, logger: createLogger('api', 'silent'), commandTimeoutMs: 5_000 },
    ca: readSetting(rabbitMqAndRedis.redisCaFile),
    namespace: readSetting(rabbitMqAndRedis.namespace),
  });
  try {
    await use(cacheRedis);
  } finally {
    cacheRedis.disconnect();
  }
}
