import type { Db } from 'mongodb';
import { createRedisMailedLinks } from '../../adapters/accounts/mailed-links.ts';
import type { AnswerLogKeeper } from '../../adapters/answer-log/answer-log.ts';
import { countAnswers, eraseAnswers } from '../../adapters/answers/kept-answers.ts';
import { createErasureWork } from '../../adapters/erasures/erasure-work.ts';
import { cancelRequests } from '../../adapters/jobs/cancel-requests.ts';
import { createEveryShard } from '../../adapters/jobs/every-shard.ts';
import { countJobs, forgetJobs } from '../../adapters/jobs/job-queue.ts';
import type { JobShards } from '../../adapters/jobs/job-shards.ts';
import { createUsersJobs } from '../../adapters/jobs/jobs-of-user.ts';
import { orStoreUnavailable } from '../../adapters/redis/connect-redis.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import { forgetLook, holdLook } from '../../adapters/redis/shared-look.ts';
import { allLoginsOf } from '../../api/auth/all-logins.ts';
import { createLogins } from '../../api/auth/logins.ts';
import { createSessionEraser, type SessionEraser } from '../../api/chat/erase-session.ts';
import { createDataEraser, type DataEraser } from '../../api/erasure/erase-data.ts';
import { createDataExporter, type DataExporter } from '../../api/erasure/export-data.ts';
import { createLettersOfUsers } from '../../bridge/redrive/letters-of-user.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { AuditEvent, AuditTrail } from '../../contracts/audit.ts';
import type { Erasure } from '../../contracts/erasures.ts';
import { FAILURES_SEEN_KEY, QUEUES_SEEN_KEY } from '../../contracts/redis-keys.ts';
import type { Logger } from '../../observability/log.ts';
import type { LastingStores } from '../api/stores.ts';
import { brokerAddressOf } from '../broker-address.ts';
import type { Encryption } from '../encryption.ts';
import { createDataGroups } from './groups.ts';

/** Puts together what erases conversations and users. */
export function createErasers(options: {
  config: Parameters<typeof brokerAddressOf>[0] & Pick<ApiConfig, 'redeliveryWindowMs'>;
  stores: LastingStores;
  logs: AnswerLogKeeper;
  shards: JobShards;
  redis: Redis;
  cacheRedis: Redis;
  /** undefined: what lasts is in Redis. */
  db: Db | undefined;
  /** Ends the access tokens of a login. */
  endLogin: (loginId: string) => Promise<void>;
  trail: AuditTrail;
  /**
   * Open what is exported, and the bodies of dead letters, to see whose they are.
   */
  encryption: Pick<Encryption, 'seals' | 'bodies' | 'cacheKeys' | 'hasKey' | 'destroyKey'>;
  logger: Logger;
}): { sessionEraser: SessionEraser; dataEraser: DataEraser; dataExporter: DataExporter } {
  const { config, stores, logs, shards, redis, cacheRedis, db, endLogin, encryption, trail, logger } = options;
  const { seals, bodies, cacheKeys } = encryption;
  const { conversations, accounts, refreshFamilies: families } = stores;
  const everyShard = createEveryShard(shards, redis);
  const jobs = createUsersJobs(shards, redis, seals);
  const work = {
    cancelRequests: (userId: string, requestIds: string[]) => cancelRequests(shards.of(userId), redis, requestIds),
    // After a change of JOB_SHARDS, jobs of the user may be in any of them. Other services choose the ids of their requests, so a job
    // of somebody else may have the same one there. In the user's own shard, an id has one job.
    forgetJobs: async (userId: string, requestIds: string[]) => {
      const own = shards.of(userId);
      const forgotten = (await everyShard()).map((shard) =>
        forgetJobs(shard, redis, requestIds, {
          rememberMs: config.redeliveryWindowMs,
          ...(shard !== own && { userId }),
        }),
      );
      return (await Promise.all(forgotten)).flat();
    },
  };
  const sessionEraser = createSessionEraser({
    ...{ conversations, logs, whole: () => dataEraser },
    ...work,
    countJobs: async (_userId, requestIds) => {
      const counts = (await everyShard()).map((shard) => countJobs(shard, redis, requestIds));
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    },
    answers: {
      count: (sessionId, userId, answerKeys) =>
        countAnswers(cacheRedis, userId, { sessionIds: [sessionId], answerKeys }),
      erase: (sessionId, userId, answerKeys) =>
        eraseAnswers(cacheRedis, userId, { sessionIds: [sessionId], answerKeys }),
    },
  });
  const groups = createDataGroups({
    ...{ accounts, families, conversations, jobs, logs, redis, cacheRedis, cacheKeys, seals, ...work },
    logins: createLogins({ families, endLogin }),
    links: createRedisMailedLinks({ redis }),
    eraseRemains: sessionEraser.eraseRemains,
    forgetExamples: () => orStoreUnavailable(forgetLook(redis, FAILURES_SEEN_KEY)),
    letters: createLettersOfUsers({
      broker: { ...brokerAddressOf(config), bodies },
      // While the letters are read, the queue seems to be empty, and alerts would believe that.
      around: (look) => holdLook(redis, QUEUES_SEEN_KEY, look),
    }),
  });
  const dataKey = { exists: encryption.hasKey, destroy: encryption.destroyKey };
  const lasting = db ? 'mongodb' : 'redis';
  const dataEraser = createDataEraser({
    ...{ groups, dataKey, lasting },
    store: stores.erasures,
    work: createErasureWork({ redis }),
    closeDoor: async (userId) => {
      await Promise.all([conversations.refuse(userId), jobs.refuse(userId), endLogin(allLoginsOf(userId))]);
    },
    isClosed: async (userId) => (await conversations.isRefused(userId)) && (await jobs.areRefused(userId)),
    onErased: (erasure) => trail.note(erasedEvent(erasure)),
    logger,
  });
  const dataExporter = createDataExporter({ groups, dataKey, lasting, logger });
  return { sessionEraser, dataEraser, dataExporter };
}

/** The end of an erasure, which whoever asked for it may not wait for. */
const erasedEvent = ({ userId, sessionId, requestedBy, kinds }: Erasure): AuditEvent => ({
  action: sessionId === null ? 'account.erase' : 'session.erase',
  actor: { kind: 'system' },
  subject: sessionId === null ? { kind: 'account', id: userId } : { kind: 'session', id: sessionId },
  outcome: 'done',
  details: { by: requestedBy, count: kinds.reduce((sum, { erased }) => sum + erased, 0) },
});
