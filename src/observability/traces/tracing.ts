import type { Tracer } from '../../contracts/tracer.ts';

export interface Tracing {
  tracer: Tracer;
  /** Sends the remaining spans, if the collector takes them soon. */
  stop(): Promise<void>;
}

export interface TracingSettings {
  otelExporterOtlpEndpoint: string | undefined;
  otelTracesSampler: string;
  otelTracesSamplerArg: number;
  otelBspScheduleDelay: number;
  otelBspMaxQueueSize: number;
}
