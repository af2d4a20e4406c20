import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpServer {
  /** The port that it listens on, also if 0 was asked for. */
  readonly port: number;
  /** Takes no more connections. Resolves once all open requests were answered, or were cut off after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

/**
 * How long an idle connection is kept. Load balancers usually keep theirs for 60 s, and this is longer: if we close a
 * connection just as the load balancer uses it again, that request fails.
 */
const KEEP_ALIVE_MS = 75_000;

/**
 * Listens on host and port.
 * @throws the error of the system: EADDRINUSE, EACCES, EADDRNOTAVAIL
 */
export async function listen(
  handler: RequestListener,
  { host, port }: { host: string; port: number },
): Promise<HttpServer> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handler);
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async (graceMs = 0) => {
      const closed = once(server, 'close');
      server.close();
      // A connection that is kept alive after its last reply would keep the server open.
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearInterval(idle);
      clearTimeout(cutOff);
    },
  };
}
