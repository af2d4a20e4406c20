import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface HttpServer {
  /** The port that it listens on, also if 0 was asked for. */
  readonly port: number;
  /**
   * Takes no more connections. Resolves once all open requests were answered, or were cut off after `graceMs`, and all
   * connections with another protocol were closed by those who opened them.
   */
  stop(graceMs?: number): Promise<void>;
}

/** What becomes of requests that want to change the protocol, as WebSockets do. */
export interface Upgrades {
  /** false: it is handled as a request without this wish. */
  mayUpgrade(req: IncomingMessage): boolean;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** The certificate of a server and its private key, as PEM. */
export interface ServerTls {
  cert: Buffer;
  key: Buffer;
}

/**
 * How long an idle connection is kept. Load balancers usually keep theirs for 60 s, and this is longer: if we close a
 * connection just as the load balancer uses it again, that request fails.
 */
const KEEP_ALIVE_MS = 75_000;

/** How long a client may take to send a request: all of its headers, and all of it. A slow one is answered with 408. */
const HEADERS_MS = 15_000;
const REQUEST_MS = 30_000;
/** How often Node looks for slow requests. */
const SLOW_CHECK_MS = 2_000;
/**
 * How many connections a process holds at most; it closes any further one. Each takes memory before anybody has logged
 * in. A process has readers of streams for a few thousand.
 */
const MAX_CONNECTIONS = 20_000;

/**
 * Listens on host and port.
 * @param options.tls clients must speak TLS
 * @param options.maxConnections any further connection is closed at once
 * @throws the error of the system: EADDRINUSE, EACCES, EADDRNOTAVAIL
 */
export async function listen(
  handler: RequestListener,
  options: { host: string; port: number; tls?: ServerTls | undefined; upgrades?: Upgrades; maxConnections?: number },
): Promise<HttpServer> {
  const { host, port, tls, upgrades, maxConnections = MAX_CONNECTIONS } = options;
  const shouldUpgradeCallback = (req: IncomingMessage) => upgrades?.mayUpgrade(req) ?? false;
  const limits = { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: SLOW_CHECK_MS };
  const settings = { keepAliveTimeout: KEEP_ALIVE_MS, ...limits, shouldUpgradeCallback };
  const server = tls
    ? createTlsServer({ ...settings, ...tls, handshakeTimeout: HEADERS_MS }, handler)
    : createServer(settings, handler);
  server.maxConnections = maxConnections;
  if (upgrades) server.on('upgrade', upgrades.upgrade);
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
