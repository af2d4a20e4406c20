import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { credentials } from 'amqplib';

export { connect } from 'amqplib';

/** Where a broker is, and whom to trust and show there. */
export interface BrokerAddress {
  /** amqp:// or amqps://, with user, password and virtual host */
  url: string;
  tls?: BrokerTls | undefined;
}

/** Each in PEM. */
export interface BrokerTls {
  /** Of the authority that signed the broker's certificate; left out: those that Node knows. */
  ca?: Buffer | undefined;
  /** Our own certificate, and its key. */
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
}

const HEARTBEAT_SECONDS = 10;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * What amqplib's `connect` takes. Where the URL has no user, our certificate is the login.
 * @param name shown in RabbitMQ's list of connections
 */
export function connectArguments({ url, tls = {} }: BrokerAddress, name: string) {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
  const { ca, cert, key } = tls;
  const isLogin = cert !== undefined && parsed.username === '';
  const options = {
    timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    noDelay: true,
    clientProperties: { connection_name: name },
    ...(ca && { ca }),
    ...(cert && { cert, key }),
    ...(isLogin && { credentials: credentials.external() }),
  };
  return { url: parsed.href, options };
}

// amqplib hands a connection out only after it has read all that has come behind the handshake. A broker that closes the
// connection in the same piece, or sends nonsense there, makes it emit an error that nobody can listen to yet, and Node
// ends the process. So each connection gets a listener as it is opened. Nothing is hidden by that: a connection that was
// closed rejects every call, and those that are handed out tell their own listeners.
const require = createRequire(import.meta.url);
// Not among what the package exports: without it, starting fails here, and not later.
const { Connection } = require(join(dirname(require.resolve('amqplib')), 'lib/connection.js')) as {
  Connection: { prototype: EventEmitter & { open(...args: unknown[]): void } };
};
const { open } = Connection.prototype;
if (typeof open !== 'function') {
  throw new Error(
    'amqplib has changed: lib/connection.js has no Connection.open. Use a version that the tests passed with.',
  );
}
Connection.prototype.open = function openWithListener(...args) {
  this.on('error', () => {});
  open.apply(this, args);
};
