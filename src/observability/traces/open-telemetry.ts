import { randomUUID } from 'node:crypto';
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import type { Logger } from '../log.ts';
import { createRecordingTracer } from './recording-tracer.ts';
import { reportFailures } from './report-failures.ts';
import { samplerOf } from './sampler.ts';
import { createSendSpans } from './send-spans.ts';
import { createSpanOutbox } from './span-outbox.ts';
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
  const reporting = reportFailures(createSendSpans(), logger);
  const outbox = createSpanOutbox({
    sender: {
      resource: ours.merge(detectResources({ detectors })).attributes,
      scope: { name: 'healify-chat', version },
    },
    ...reporting,
    delayMs: settings.otelBspScheduleDelay,
    maxSpans: settings.otelBspMaxQueueSize,
  });
  return {
    tracer: createRecordingTracer(samplerOf(settings.otelTracesSampler, settings.otelTracesSamplerArg), outbox.add),
    stop: () => outbox.stop(LAST_SPANS_MS),
  };
}
