import type { ConnectionOptions } from 'node:tls';
import type { Logger } from 'pino';
import type { RedisAddress } from '../../contracts/redis-address.ts';

export interface RedisConnectionOptions {
  /** See `RedisAddress`. */
  url: string;
  /**
   * For TLS: the authority that signed the servers' certificates, in PEM. Left out: the authorities that Node trusts
   */
  ca?: Buffer | undefined;
  name: string;
  logger: Logger;
  commandTimeoutMs?: number;
  /** The namespace of the installation; left out, the default one. */
  namespace?: string;
  /** Called whenever the server begins or stops to answer. */
  onUp?: (up: boolean) => void;
  /** How long the server may be silent before it counts as down. */
  silentAfterMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
/**
 * If Redis is silent for this long, the connection is closed and made again. It must be longer than WAITAOF, which may
 * take 10 s.
 */
const SILENCE_MS = 15_000;
/** If Redis is silent for this long, it counts as down. The connection is kept, because Redis may only be slow. */
export const SILENT_AFTER_MS = 3_000;
export const PING_MS = 1_000;
/** How often a problem that stays is logged. */
export const STILL_WAITING_MS = 10_000;
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 3_000;

/** How long to wait before the next try. @param times how many have failed */
export const backoffMs = (times: number): number =>
  Math.ceil((0.5 + Math.random() / 2) * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** times));

/** The options of a connection to a server, also to one of a Cluster. */
export const commonOptions = ({ name, commandTimeoutMs }: RedisConnectionOptions) => ({
  connectionName: name.replaceAll(' ', '-'),
  connectTimeout: CONNECT_TIMEOUT_MS,
  socketTimeout: SILENCE_MS,
  ...(commandTimeoutMs !== undefined && { commandTimeout: commandTimeoutMs }),
  // ioredis would send its own name and version. Servers before 7.2 do that with a command for which no right can be
  // granted.
  disableClientInfo: true,
});

/** undefined: without TLS, or as Node does it by itself */
export const tlsOf = ({ tls }: RedisAddress, ca: Buffer | undefined): ConnectionOptions | undefined =>
  tls ? { ...(ca && { ca }) } : undefined;
