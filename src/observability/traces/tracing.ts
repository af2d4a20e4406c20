import type { Tracer } from '../../contracts/tracer.ts';

export interface Tracing {
  tracer: Tracer;
  /** Sends what is left, if the collector takes it soon. */
  stop(): Promise<void>;
}

export interface TracingSettings {
  otelExporterOtlpEndpoint: string | undefined;
  otelTracesSampler: string;
  otelTracesSamplerArg: number;
  otelBspScheduleDelay: number;
  otelBspMaxQueueSize: number;
}
