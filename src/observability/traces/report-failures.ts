import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '../log.ts';

/** `ExportResultCode.SUCCESS` of the SDK. */
const SUCCESS = 0;

/** Logs when the collector stops taking spans, and when it takes them again. The SDK itself would say nothing. */
export function reportFailures(exporter: SpanExporter, logger: Logger): SpanExporter {
  let failing = false;
  let lost = 0;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.code !== SUCCESS;
        if (failed) lost += spans.length;
        if (failed && !failing) logger.warn({ err: result.error }, 'the collector takes no spans: traces are lost');
        if (!failed && failing) {
          logger.info({ lost }, 'the collector takes spans again');
          lost = 0;
        }
        failing = failed;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}
