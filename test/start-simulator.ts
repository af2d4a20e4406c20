import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Call } from '../tools/simulator/ledger.ts';
import { createSimulator } from '../tools/simulator/server.ts';

interface Stats {
  started: number;
  finished: number;
  abortedByClient: number;
  inFlight: number;
  maxInFlight: number;
  byStatus: Record<string, number>;
}

/** Times are ISO 8601. */
type SentCall = Omit<Call, 'startedAt' | 'endedAt'> & { startedAt: string; endedAt: string | null };

/** A simulator within the test's process, on a port of its own. */
export async function startSimulator() {
  const server = createSimulator();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const control = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${origin}/control/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : await response.json();
  };
  return {
    baseUrl: `${origin}/v1`,
    behave: (behavior: object) => control('PUT', 'behavior', behavior),
    stats: () => control('GET', 'stats') as Promise<Stats>,
    calls: async () => ((await control('GET', 'calls')) as { calls: SentCall[] }).calls,
    reset: () => control('DELETE', 'stats'),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type TestSimulator = Awaited<ReturnType<typeof startSimulator>>;
