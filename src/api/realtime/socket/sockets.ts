import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { ApiError } from '../../../contracts/errors.ts';
import { limits } from '../../../contracts/limits.ts';
import { continueTrace, traceIdOf } from '../../../contracts/traceparent.ts';
import { endsOf } from '../../auth/all-logins.ts';
import { reconnectInMs, STALLED_MS } from '../event-streams.ts';
import { isOriginAllowed } from './allowed-origin.ts';
import { createHeartbeat } from './heartbeat.ts';
import {
  openSocketConnection,
  type SocketConnection,
  type SocketConnectionOptions,
  type SocketEnd,
} from './socket-connection.ts';

/** A client that does not confirm within this time that the connection closes is disconnected. */
const CLOSE_WITHIN_MS = 5_000;

export const SOCKET_PATH = '/chat/ws';

/** The WebSockets of this process. */
export interface Sockets {
  /** Whether a request becomes a WebSocket. If not, it is answered like any other. */
  mayUpgrade(req: IncomingMessage): boolean;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** GET /chat/ws: tells a client that did not get a WebSocket why. */
  refuse: RequestHandler;
  /** A login has ended, and so do the connections that began with its tokens. */
  endLogin(loginId: string): void;
  /** Closes all connections, so that their clients connect to another process. From then on, none is opened. */
  stop(): Promise<void>;
}

export interface SocketsOptions extends Omit<SocketConnectionOptions, 'heartbeat' | 'stalledMs'> {
  corsOrigins: readonly string[];
  trustProxy: number;
  /** Resolves once it is known which logins have ended. */
  ready: Promise<unknown>;
  /** Called with the number of open connections whenever it changes. */
  onCount: (open: number) => void;
  onEnd: (end: SocketEnd) => void;
  logger: Logger;
  heartbeatMs?: number;
  stalledMs?: number;
}

export function createSockets(options: SocketsOptions): Sockets {
  const { basePath, ready, onCount, logger, heartbeatMs, stalledMs = STALLED_MS } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.httpBodyBytes,
    // Compression would hold events back, and takes memory for each connection.
    perMessageDeflate: false,
    handleProtocols: () => false,
    // Its types do not know this one.
    ...{ closeTimeout: CLOSE_WITHIN_MS },
  });
  const heartbeat = createHeartbeat(heartbeatMs);
  const connections = new Set<SocketConnection>();
  const perUser = new Map<string, number>();
  let isReady = false;
  let stopping = false;
  void ready.then(() => {
    isReady = true;
  });
  onCount(0);

  function admit(userId: string): void {
    const open = perUser.get(userId) ?? 0;
    if (open >= limits.socketsPerUser) {
      throw new ApiError('too_many_streams', { retryAfterSeconds: 1, detail: 'Too many WebSockets are open.' });
    }
    perUser.set(userId, open + 1);
  }

  function forget(userId: string): void {
    const open = perUser.get(userId)! - 1;
    if (open === 0) perUser.delete(userId);
    else perUser.set(userId, open);
  }

  function connect(socket: WebSocket, req: IncomingMessage): void {
    const log = logger.child({ traceId: traceIdOf(continueTrace(req.headers.traceparent).traceparent) });
    const connection = openSocketConnection(socket, {
      ...options,
      ...{ heartbeat, stalledMs, log, admit },
      onEnd: (end) => {
        connections.delete(connection);
        if (connection.token) forget(connection.token.userId);
        onCount(connections.size);
        options.onEnd(end);
      },
    });
    connections.add(connection);
    onCount(connections.size);
  }

  return {
    mayUpgrade: (req) =>
      req.headers.upgrade?.toLowerCase() === 'websocket' &&
      isAddressed(req.url ?? '', basePath) &&
      isReady &&
      !stopping &&
      isOriginAllowed(req, options),
    upgrade: (req, socket, head) => server.handleUpgrade(req, socket, head, connect),
    refuse: (req, res) => {
      if (stopping) throw new ApiError('stopping', { retryAfterSeconds: 1 });
      if (!isOriginAllowed(req, options)) throw new ApiError('origin_not_allowed');
      res.set({ Upgrade: 'websocket', Connection: 'Upgrade' });
      throw new ApiError('upgrade_required');
    },
    endLogin: (loginId) => {
      for (const connection of connections) {
        if (connection.token && endsOf(connection.token).includes(loginId)) connection.close('login_ended');
      }
    },
    stop: async () => {
      stopping = true;
      heartbeat.stop();
      await Promise.all(Array.from(connections, (connection) => connection.stop(reconnectInMs())));
    },
  };
}

/** A proxy in front may remove the path prefix, or not. */
function isAddressed(url: string, basePath: string): boolean {
  const path = url.split('?', 1)[0]!;
  return path === SOCKET_PATH || path === `${basePath}${SOCKET_PATH}`;
}
