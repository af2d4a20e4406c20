import type { Logger } from '../log.ts';
import type { OtlpBatch } from './otlp-batch.ts';

/** A collector that is too slow is reported this often, at most. */
const MINUTE = 60_000;

/**
 * Logs when the collector stops taking spans, when it takes them again, and when it takes them too slowly. OpenTelemetry itself
 * would say nothing.
 * @param send resolves with why the collector has not taken the batch; undefined: it has
 */
export function reportFailures(
  send: (batch: OtlpBatch) => Promise<Error | undefined>,
  logger: Logger,
): { send(batch: OtlpBatch): Promise<void>; onDropped(): void } {
  let failing = false;
  let lost = 0;
  let reportedAt = Number.NEGATIVE_INFINITY;
  return {
    send: async (batch) => {
      const error = await send(batch);
      if (error) lost += batch.spans;
      if (error && !failing) logger.warn({ err: error }, 'the collector takes no spans: traces are lost');
      if (!error && failing) {
        logger.info({ lost }, 'the collector takes spans again');
        lost = 0;
      }
      failing = error !== undefined;
    },
    onDropped: () => {
      lost += 1;
      if (failing || performance.now() < reportedAt + MINUTE) return;
      reportedAt = performance.now();
      logger.warn({ lost }, 'the collector takes spans too slowly: some are dropped');
    },
  };
}
