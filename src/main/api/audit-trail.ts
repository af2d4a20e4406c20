import type { AuditStore } from '../../adapters/audit/audit-store.ts';
import { createAuditTrail } from '../../adapters/audit/audit-trail.ts';
import { atIntervals } from '../../adapters/jobs/at-intervals.ts';
import { recordSentTexts } from '../../adapters/model/sent-texts.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import type { Logger } from '../../observability/log.ts';
import type { ApiMetrics } from '../../observability/metrics.ts';

const HOUR = 3_600_000;

/**
 * The api's audit trail. Every hour it logs the hash of the last entry, so that it shows if the last ones are missing later. At
 * intervals it says how many texts went to which provider.
 */
export function createApiAuditTrail(options: {
  config: Pick<ApiConfig, 'auditKeys' | 'auditTotalsEveryMs'>;
  redis: Redis;
  store: AuditStore;
  metrics: ApiMetrics;
  logger: Logger;
}): { trail: AuditTrail; start(): void; stop(): Promise<void> } {
  const { config, redis, store, metrics, logger } = options;
  const trail = createAuditTrail({
    ...{ store, key: config.auditKeys[0], logger },
    onWaiting: (count) => metrics.auditEntriesWaiting.set(count),
    onEntry: ({ action, outcome }, fate) =>
      fate === 'kept' ? metrics.auditEntries.inc({ action, outcome }) : metrics.auditEntriesLost.inc({ action }),
  });
  let saidNumber: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopTotals = () => {};

  function sayHead(): void {
    if (!trail.head || trail.head.number === saidNumber) return;
    saidNumber = trail.head.number;
    logger.info({ ...trail.head }, 'this is the last entry of the audit trail');
  }

  const recordTotals = () =>
    recordSentTexts(redis, trail).catch((error: unknown) =>
      logger.warn({ err: error }, 'it could not be recorded how many texts went where; trying again at the next time'),
    );

  return {
    trail,
    start: () => {
      sayHead();
      timer = setInterval(sayHead, HOUR).unref();
      stopTotals = atIntervals(config.auditTotalsEveryMs, recordTotals);
    },
    stop: async () => {
      clearInterval(timer);
      stopTotals();
      await trail.stop();
      sayHead();
    },
  };
}
