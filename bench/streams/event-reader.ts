import { connect } from 'node:net';

/** A reader of server-sent events that does as little as possible, because it uses the same machine. */
export interface EventReader {
  /** Resolves once the reply has begun. */
  begun: Promise<void>;
  /** Resolves once the connection is closed. */
  ended: Promise<void>;
  close(): void;
}

/**
 * Sends a request and reads the events of its reply.
 * @param options.onEvents gets the events as they come: their text, with marks of HTTP's chunks between them
 */
export function readEvents(options: {
  port: number;
  method: 'GET' | 'POST';
  path: string;
  token: string;
  body?: string;
  onEvents: (text: string) => void;
}): EventReader {
  const { port, method, path, token, body = '', onEvents } = options;
  const { promise: begun, resolve: onBegun, reject: onRefused } = Promise.withResolvers<void>();
  const { promise: ended, resolve: onEnded } = Promise.withResolvers<void>();
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  socket.write(
    `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  let rest = '';
  let isBegun = false;
  socket.on('data', (chunk: string) => {
    if (!isBegun) {
      isBegun = true;
      if (chunk.startsWith('HTTP/1.1 200')) onBegun();
      else onRefused(new Error(chunk));
    }
    rest += chunk;
    const end = rest.lastIndexOf('\n\n');
    if (end < 0) return;
    onEvents(rest.slice(0, end));
    rest = rest.slice(end);
  });
  socket.on('error', onRefused);
  socket.on('close', () => onEnded());
  return { begun, ended, close: () => socket.destroy() };
}
