import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpServer {
  /** The port it listens on, also where 0 was asked for. */
  readonly port: number;
  /** Takes no more connections, and resolves once the requests in hand are answered, or cut off after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

/**
 * How long an idle connection is kept: longer than load balancers keep theirs, 60 s as a rule. One that we close just as
 * its other end uses it again fails a request.
 */
const KEEP_ALIVE_MS = 75_000;

/**
 * Listens on host and port.
 * @throws what the system says: EADDRINUSE, EACCES, EADDRNOTAVAIL
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
      // A connection kept alive after its last answer would hold the server open.
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearInterval(idle);
      clearTimeout(cutOff);
    },
  };
}
