import type { ApiMetrics, WorkerMetrics } from './metrics.ts';

/** Tells that a connection can be used, or cannot. The connection's name is one of ours. */
export type OnUp = (server: string, up: boolean) => void;

/** Shows in the metrics which connections stand, and counts how often one could be used again. */
export function createConnectionReports(
  metrics: Pick<ApiMetrics & WorkerMetrics, 'connectionUp' | 'reconnects'>,
): OnUp {
  /** Whether each connection can be used now; those that never could are absent. */
  const states = new Map<string, boolean>();
  return (server, up) => {
    metrics.connectionUp.set({ server }, up ? 1 : 0);
    if (states.get(server) === false && up) metrics.reconnects.inc({ server });
    if (up || states.has(server)) states.set(server, up);
  };
}
