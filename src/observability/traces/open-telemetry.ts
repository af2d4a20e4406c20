import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from '../log.ts';
import { createOpenTelemetryTracer } from './open-telemetry-tracer.ts';
import type { Recorder } from './recorded-span.ts';
import { reportFailures } from './report-failures.ts';
import { samplerOf } from './sampler.ts';
import type { Tracing, TracingSettings } from './tracing.ts';

/** How long a process that stops waits for the collector to take the last spans. */
const LAST_SPANS_MS = 2_000;

/** Starts OpenTelemetry's SDK. Only this module and its neighbours load the SDK. */
export function startOpenTelemetry(
  settings: TracingSettings,
  options: { process: 'api' | 'worker'; version: string; logger: Logger },
): Tracing {
  const { process, version, logger } = options;
  const ours = resourceFromAttributes({
    'service.name': `healify-chat-${process}`,
    'service.version': version,
    'service.instance.id': randomUUID(),
  });
  const detectors = [resourceAttributesEnvDetector, serviceNameEnvDetector];
  const processor = new BatchSpanProcessor({
    exporter: reportFailures(new OTLPTraceExporter(), logger),
    scheduledDelayMillis: settings.otelBspScheduleDelay,
    maxQueueSize: settings.otelBspMaxQueueSize,
  });
  const recorder: Recorder = {
    resource: ours.merge(detectResources({ detectors })),
    instrumentationScope: { name: 'healify-chat', version },
    onEnd: (span) => processor.onEnd(span),
  };
  return {
    tracer: createOpenTelemetryTracer(recorder, samplerOf(settings.otelTracesSampler, settings.otelTracesSamplerArg)),
    stop: async () => {
      const sent = processor.shutdown().catch(() => {});
      await Promise.race([sent, sleep(LAST_SPANS_MS, undefined, { ref: false })]);
    },
  };
}
