import type { Db } from 'mongodb';
import type { AnswerLogKeeper } from '../../adapters/answer-log/answer-log.ts';
import { forgetSession } from '../../adapters/answers/forget-session.ts';
import { createErasureWork } from '../../adapters/erasures/erasure-work.ts';
import { cancelRequests } from '../../adapters/jobs/cancel-requests.ts';
import { forgetJobs } from '../../adapters/jobs/job-queue.ts';
import type { JobShards } from '../../adapters/jobs/job-shards.ts';
import { createUsersJobs } from '../../adapters/jobs/jobs-of-user.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import { allLoginsOf } from '../../api/auth/all-logins.ts';
import { createLogins } from '../../api/auth/logins.ts';
import { createSessionEraser, type SessionEraser } from '../../api/chat/erase-session.ts';
import { createDataEraser, type DataEraser } from '../../api/erasure/erase-data.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { AuditEvent, AuditTrail } from '../../contracts/audit.ts';
import type { Erasure } from '../../contracts/erasures.ts';
import type { BodySeals } from '../../contracts/sealing.ts';
import type { Logger } from '../../observability/log.ts';
import type { LastingStores } from '../api/stores.ts';
import { brokerAddressOf } from '../broker-address.ts';
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
  hasKey: (userId: string) => Promise<boolean>;
  destroyKey: (userId: string) => Promise<void>;
  trail: AuditTrail;
  /** Opens the bodies of dead letters, to see whose they are. */
  bodies: BodySeals;
  logger: Logger;
}): { sessionEraser: SessionEraser; dataEraser: DataEraser } {
  const { config, stores, logs, shards, redis, cacheRedis, db, endLogin, hasKey, destroyKey, trail, logger } = options;
  const { conversations, accounts, refreshFamilies: families } = stores;
  const jobs = createUsersJobs(shards, redis);
  const work = {
    cancelRequests: (userId: string, requestIds: string[]) => cancelRequests(shards.of(userId), redis, requestIds),
    forgetJobs: (userId: string, requestIds: string[]) =>
      forgetJobs(shards.of(userId), redis, requestIds, { rememberMs: config.redeliveryWindowMs }),
  };
  const sessionEraser = createSessionEraser({
    conversations,
    ...work,
    forgetAnswers: (sessionId, answerKeys) => forgetSession(cacheRedis, sessionId, answerKeys),
    eraseLogs: logs.erase,
  });
  const dataEraser = createDataEraser({
    store: stores.erasures,
    work: createErasureWork({ redis }),
    groups: createDataGroups({
      ...{ accounts, families, conversations, jobs, logs, redis, cacheRedis, ...work },
      logins: createLogins({ families, endLogin }),
      eraseRemains: sessionEraser.eraseRemains,
      broker: { ...brokerAddressOf(config), bodies: options.bodies },
    }),
    closeDoor: async (userId) => {
      await Promise.all([conversations.refuse(userId), jobs.refuse(userId), endLogin(allLoginsOf(userId))]);
    },
    isClosed: async (userId) => (await conversations.isRefused(userId)) && (await jobs.areRefused(userId)),
    dataKey: { exists: hasKey, destroy: destroyKey },
    lasting: db ? 'mongodb' : 'redis',
    onErased: (erasure) => trail.note(erasedEvent(erasure)),
    logger,
  });
  return { sessionEraser, dataEraser };
}

/** The end of an erasure, which whoever asked for it may not wait for. */
const erasedEvent = ({ userId, sessionId, requestedBy, kinds }: Erasure): AuditEvent => ({
  action: sessionId === null ? 'account.erase' : 'session.erase',
  actor: { kind: 'system' },
  subject: sessionId === null ? { kind: 'account', id: userId } : { kind: 'session', id: sessionId },
  outcome: 'done',
  details: { by: requestedBy, count: kinds.reduce((sum, { erased }) => sum + erased, 0) },
});
