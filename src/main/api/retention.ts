import type { RequestHandler } from 'express';
import type { Db } from 'mongodb';
import type { AuditStore } from '../../adapters/audit/audit-store.ts';
import { removeOldEntries } from '../../adapters/audit/remove-old-entries.ts';
import { removeOldFeedback } from '../../adapters/conversations/redis-feedback-store.ts';
import type { JobShards } from '../../adapters/jobs/job-shards.ts';
import { createJobSweeps } from '../../adapters/jobs/job-sweeps.ts';
import { removeExpired } from '../../adapters/mongodb/remove-expired.ts';
import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import { forgetLook, holdLook } from '../../adapters/redis/shared-look.ts';
import { createSweepRecords } from '../../adapters/retention/sweep-records.ts';
import { createSweeper, type Sweep } from '../../adapters/retention/sweeper.ts';
import { createRetentionRouter } from '../../api/admin/retention.ts';
import { type ExpiredLetters, expireLetters } from '../../bridge/redrive/expire.ts';
import { settingValue } from '../../config/setting-value.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { audited } from '../../contracts/audited.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE, type WorkQueue } from '../../contracts/queues.ts';
import { LETTERS_SEEN_KEY, QUEUES_SEEN_KEY } from '../../contracts/redis-keys.ts';
import type { SweepName } from '../../contracts/retention.ts';
import { boundedLabel } from '../../observability/bounded-label.ts';
import type { LettersSeen } from '../../observability/letters-seen.ts';
import type { Logger } from '../../observability/log.ts';
import type { ApiMetrics } from '../../observability/metrics.ts';
import { measureSweeps } from '../../observability/sweep-metrics.ts';
import { INDEXES } from '../mongodb.ts';

/** Each time entries go, one entry more comes, which says so. */
const SHORTEN_TRAIL_EVERY_MS = 3_600_000;

/** What sees to it that nothing is kept for too long, where the stores do not. */
export function createRetentionParts(options: {
  config: ApiConfig;
  redis: Redis;
  shards: JobShards;
  /** undefined: what lasts is kept in Redis. */
  db: Db | undefined;
  broker: BrokerAddress;
  audit: { trail: AuditTrail; store: AuditStore };
  lookAtLetters: () => Promise<LettersSeen | undefined>;
  metrics: ApiMetrics;
  logger: Logger;
}) {
  const { config, redis, shards, db, audit, metrics, logger } = options;
  const records = createSweepRecords(redis);
  const sweeps: Partial<Record<SweepName, Sweep>> = {
    ...createJobSweeps({ ...config, redis, shards }),
    dead_requests: () => expireLettersOf(REQUESTS_QUEUE),
    dead_responses: () => expireLettersOf(RESPONSES_QUEUE),
    audit_trail: atMostEvery(SHORTEN_TRAIL_EVERY_MS, () =>
      removeOldEntries(audit, Date.now() - config.auditRetentionMs),
    ),
    ...(db
      ? { expired_documents: () => removeExpired(db, INDEXES) }
      : { feedback: () => removeOldFeedback(redis, Date.now() - config.historyRetentionMs) }),
  };
  const bounded = boundedLabel();

  async function expireLettersOf(queue: WorkQueue): Promise<number | undefined> {
    const source = deadLetterQueueOf(queue);
    const seen = await options.lookAtLetters();
    if (!seen) return undefined;
    const until = Date.now() - config.deadLetterRetentionMs;
    const oldestAt = seen[source]?.oldestAt;
    if (typeof oldestAt !== 'number' || oldestAt > until) return 0;
    // While the letters are read, the queue seems to be empty, and alerts would believe that.
    const { count, reasons } = await holdLook(redis, QUEUES_SEEN_KEY, () =>
      expireLetters(options.broker, queue, until, (letters, remove) =>
        audited(audit.trail, eventOf(source, letters), remove),
      ),
    );
    await forgetLook(redis, LETTERS_SEEN_KEY);
    for (const [reason, removed] of Object.entries(reasons)) {
      metrics.deadLettersExpired.inc({ queue, reason: bounded(reason) }, removed);
      logger.warn(
        { queue: source, reason: bounded(reason), removed },
        'removed dead letters that were older than DEAD_LETTER_RETENTION',
      );
    }
    return count;
  }

  async function oldestGoesAt(): Promise<Partial<Record<SweepName, number>>> {
    const seen = (await options.lookAtLetters()) ?? {};
    const goesAt = (queue: WorkQueue) => {
      const { oldestAt } = seen[deadLetterQueueOf(queue)] ?? {};
      return typeof oldestAt === 'number' ? oldestAt + config.deadLetterRetentionMs : undefined;
    };
    const [requests, responses] = [goesAt(REQUESTS_QUEUE), goesAt(RESPONSES_QUEUE)];
    return {
      ...(requests !== undefined && { dead_requests: requests }),
      ...(responses !== undefined && { dead_responses: responses }),
    };
  }

  measureSweeps(metrics.registry, Object.keys(sweeps) as SweepName[], records.read);
  return {
    router: (requireAdmin: RequestHandler) =>
      createRetentionRouter({
        sweepNames: Object.keys(sweeps) as SweepName[],
        readSweeps: records.read,
        limitOf: (setting) => settingValue(config, setting) as number,
        oldestGoesAt,
        hasMongoDb: db !== undefined,
        requireAdmin,
      }),
    sweeper: createSweeper({
      records,
      sweeps,
      onSwept: (sweep, removed) => metrics.swept.inc({ sweep }, removed),
      logger,
    }),
  };
}

const eventOf = (source: string, { count }: ExpiredLetters) => ({
  action: 'dead_letter.expire' as const,
  actor: { kind: 'system' as const },
  subject: { kind: 'queue' as const, id: source },
  details: { count },
});

/** A task that gives 0 until its time has come again. */
function atMostEvery(everyMs: number, task: Sweep): Sweep {
  let doneAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - doneAt < everyMs) return 0;
    const removed = await task();
    doneAt = performance.now();
    return removed;
  };
}
