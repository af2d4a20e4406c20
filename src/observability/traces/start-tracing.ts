import type { Logger } from '../log.ts';
import type { Tracing, TracingSettings } from './tracing.ts';

/**
 * Starts to trace if the settings name a collector. Otherwise nothing of OpenTelemetry is loaded.
 * @returns undefined: tracing is off
 */
export async function startTracing(
  settings: TracingSettings,
  options: { process: 'api' | 'worker'; version: string; logger: Logger },
): Promise<Tracing | undefined> {
  if (settings.otelExporterOtlpEndpoint === undefined) return undefined;
  const { startOpenTelemetry } = await import('./open-telemetry.ts');
  return startOpenTelemetry(settings, options);
}
