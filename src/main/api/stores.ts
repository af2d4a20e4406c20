import type { Db } from 'mongodb';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { createMongoDbAccountStore } from '../../adapters/accounts/mongodb-account-store.ts';
import { createRedisAccountStore } from '../../adapters/accounts/redis-account-store.ts';
import type { AuditStore } from '../../adapters/audit/audit-store.ts';
import { createMongoDbAuditStore } from '../../adapters/audit/mongodb-audit-store.ts';
import { createRedisAuditStore } from '../../adapters/audit/redis-audit-store.ts';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import type { FeedbackStore } from '../../adapters/conversations/feedback-store.ts';
import { createMongoDbConversationStore } from '../../adapters/conversations/mongodb-conversation-store.ts';
import { createMongoDbFeedbackStore } from '../../adapters/conversations/mongodb-feedback-store.ts';
import { createRedisConversationStore } from '../../adapters/conversations/redis-conversation-store.ts';
import { createRedisFeedbackStore } from '../../adapters/conversations/redis-feedback-store.ts';
import type { ErasureStore } from '../../adapters/erasures/erasure-store.ts';
import { createMongoDbErasureStore } from '../../adapters/erasures/mongodb-erasure-store.ts';
import { createRedisErasureStore } from '../../adapters/erasures/redis-erasure-store.ts';
import { createMongoDbRefreshFamilyStore } from '../../adapters/logins/mongodb-refresh-family-store.ts';
import { createRedisRefreshFamilyStore } from '../../adapters/logins/redis-refresh-family-store.ts';
import type { RefreshFamilyStore } from '../../adapters/logins/refresh-family-store.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import type { SafeWrites } from '../../adapters/redis/safe-writes.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { TextSeals } from '../../contracts/sealing.ts';

/** The stores of what lasts. */
export interface LastingStores {
  conversations: ConversationStore;
  feedback: FeedbackStore;
  accounts: AccountStore;
  refreshFamilies: RefreshFamilyStore;
  audit: AuditStore;
  erasures: ErasureStore;
}

/** Keeps what lasts in MongoDB if there is one, and else in Redis. */
export function createLastingStores(options: {
  config: Pick<ApiConfig, 'historyRetentionMs' | 'sessionIdleMs' | 'refreshTokenTtlMs' | 'erasureReceiptsMs'>;
  redis: Redis;
  /** undefined: what is written to Redis counts as made once Redis has it. */
  safeWrites: SafeWrites | undefined;
  seals: TextSeals;
  /** undefined: there is no MongoDB. */
  db: Db | undefined;
  replica: string;
}): LastingStores {
  const { config, redis, safeWrites, seals, db, replica } = options;
  const { historyRetentionMs: retentionMs, sessionIdleMs: idleMs, refreshTokenTtlMs: ttlMs } = config;
  if (!db) {
    return {
      conversations: createRedisConversationStore({ redis, safeWrites, seals, retentionMs, replica }),
      feedback: createRedisFeedbackStore({ redis, seals, retentionMs }),
      accounts: createRedisAccountStore({ redis }),
      refreshFamilies: createRedisRefreshFamilyStore({ redis, ttlMs }),
      audit: createRedisAuditStore({ redis, safeWrites }),
      erasures: createRedisErasureStore({ redis, retentionMs: config.erasureReceiptsMs }),
    };
  }
  return {
    conversations: createMongoDbConversationStore({ db, redis, safeWrites, seals, retentionMs, idleMs, replica }),
    feedback: createMongoDbFeedbackStore({ db, redis, seals, retentionMs }),
    accounts: createMongoDbAccountStore({ db }),
    refreshFamilies: createMongoDbRefreshFamilyStore({ db, ttlMs }),
    audit: createMongoDbAuditStore({ db }),
    erasures: createMongoDbErasureStore({ db, retentionMs: config.erasureReceiptsMs }),
  };
}
