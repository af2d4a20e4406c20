import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { unescape as decode } from 'node:querystring';
import type { Duplex } from 'node:stream';
import { type ChannelModel, credentials, type Options } from 'amqplib';
import { brokerUrls } from '../../contracts/broker-urls.ts';

export { connect } from 'amqplib';

/** The address of a broker, and the certificates for it. */
export interface BrokerAddress {
  /** amqp:// or amqps://, with user, password and virtual host. Those of several nodes are separated by commas. */
  url: string;
  tls?: BrokerTls | undefined;
  /** The user that requests name as their publisher, which must be that of the URL. Left out: requests name nobody. */
  userId?: string | undefined;
}

/** Certificates and private key, in PEM. */
export interface BrokerTls {
  /** The authority that signed the broker's certificate. Left out: the authorities that Node trusts. */
  ca?: Buffer | undefined;
  /** Our own certificate and its key. */
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
}

const HEARTBEAT_SECONDS = 10;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Returns the options for amqplib's `connect`. If the URL has no user, our certificate is the login.
 * @param name shown in RabbitMQ's list of connections
 */
export function connectOptions({ url, tls = {} }: BrokerAddress, name: string) {
  const { ca, cert, key } = tls;
  const isLogin = cert !== undefined && new URL(brokerUrls(url)[0]!).username === '';
  return {
    timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    noDelay: true,
    clientProperties: { connection_name: name },
    ...(ca && { ca }),
    ...(cert && { cert, key }),
    ...(isLogin && { credentials: credentials.external() }),
  };
}

/** Returns the address of one node as amqplib's `connect` takes it. */
export function nodeAddress(url: string): Options.Connect {
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(url);
  const numberOf = (name: string) => (searchParams.has(name) ? { [name]: Number(searchParams.get(name)) } : {});
  return {
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'amqps:' ? 5671 : 5672),
    ...(username === '' && password === ''
      ? { username: 'guest', password: 'guest' }
      : { username: decode(username), password: decode(password) }),
    vhost: pathname.slice(1) || '/',
    locale: searchParams.get('locale') ?? 'en_US',
    heartbeat: HEARTBEAT_SECONDS,
    ...numberOf('heartbeat'),
    ...numberOf('frameMax'),
    ...numberOf('channelMax'),
  };
}

/** amqplib's connection has this field, but its types do not. */
export const socketOf = (model: ChannelModel) => (model.connection as { stream?: Duplex }).stream;

// amqplib may receive more data together with the end of the handshake, and reads it before it gives us the connection.
// If the broker closes the connection there, or sends nonsense, amqplib emits an error before we can add a listener,
// and Node ends the process. So each connection gets a listener as it is opened. This hides nothing: a closed
// connection rejects every call, and a connection that we were given also tells our own listeners.
const require = createRequire(import.meta.url);
// The package does not export this class. If the class is missing, the process fails here, at its start.
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
