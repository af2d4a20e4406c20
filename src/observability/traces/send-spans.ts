import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import type { OtlpBatch } from './otlp-batch.ts';

/** `ExportResultCode.SUCCESS` of the SDK. */
const SUCCESS = 0;

/**
 * Returns a function that sends a batch as OpenTelemetry's exporters do, with retries, and by the settings of
 * `OTEL_EXPORTER_OTLP_*`. It resolves with why the collector has not taken the batch; undefined: it has.
 */
export function createSendSpans(): (batch: OtlpBatch) => Promise<Error | undefined> {
  const delegate = createOtlpHttpExportDelegate(
    convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', { 'Content-Type': 'application/x-protobuf' }),
    { serializeRequest: ({ bytes }: OtlpBatch) => bytes, deserializeResponse: () => undefined },
    'otlp_http_span_exporter',
    { name: 'span', countItems: ({ spans }: OtlpBatch) => spans },
    undefined,
  );
  return (batch) =>
    new Promise((resolve) => {
      delegate.export(batch, ({ code, error }) =>
        resolve(code === SUCCESS ? undefined : (error ?? new Error('the collector has refused'))),
      );
    });
}
