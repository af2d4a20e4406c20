import { z } from 'zod';
import { api, both, setting } from '../setting.ts';
import { decimal, integer, optional, url } from '../value-types.ts';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** OpenTelemetry's names. These are the ones that we read; its exporter reads the other `OTEL_EXPORTER_OTLP_*` by itself. */
export const traces = {
  otelExporterOtlpEndpoint: setting({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    type: optional(url('http', 'https')),
    default: '',
    unit: 'URL',
    text: 'Where traces are sent, as OTLP over HTTP with protobuf: a collector such as http://localhost:4318. Left out, nothing is traced.',
    connects: true,
    readBy: both,
  }),
  otelTracesSampler: setting({
    env: 'OTEL_TRACES_SAMPLER',
    type: z.enum(SAMPLERS, `must be one of ${SAMPLERS.join(', ')}`),
    default: 'parentbased_always_on',
    unit: 'name',
    text: 'Which traces are kept. With parentbased, the caller decides if it sends a traceparent.',
    readBy: both,
  }),
  otelTracesSamplerArg: setting({
    env: 'OTEL_TRACES_SAMPLER_ARG',
    type: decimal(0, 1),
    default: '1',
    unit: 'number',
    text: 'The share of traces that traceidratio keeps.',
    readBy: both,
  }),
  otelBspScheduleDelay: setting({
    env: 'OTEL_BSP_SCHEDULE_DELAY',
    type: integer(1, 60_000),
    default: '5000',
    unit: 'ms',
    text: 'How long a finished span waits for others to be sent with.',
    readBy: both,
  }),
  otelBspMaxQueueSize: setting({
    env: 'OTEL_BSP_MAX_QUEUE_SIZE',
    type: integer(512, 1_000_000),
    default: '8192',
    unit: 'spans',
    text: 'How many finished spans may wait to be sent. Further ones are dropped, so a collector that is away or slow holds up no work.',
    readBy: both,
  }),
  traceUrl: setting({
    env: 'TRACE_URL',
    type: optional(
      url('https', 'http').refine(
        (address) => address.includes('{traceId}'),
        'must have {traceId} where the id belongs',
      ),
    ),
    default: '',
    unit: 'URL',
    text: 'Where a trace can be seen, with {traceId} at its place, such as http://localhost:16686/trace/{traceId}. The operations page links there.',
    readBy: api,
  }),
  logsByTraceUrl: setting({
    env: 'LOGS_BY_TRACE_URL',
    type: optional(url('https', 'http')),
    default: '',
    unit: 'URL',
    text: 'The address that finds the log lines of a trace once the id is added to it, such as https://logs.example/search?q=. The operations page links there, and so do the dashboards that come with docker-compose.',
    readBy: api,
  }),
} as const;
