import type { ConnectionOptions } from 'node:tls';
import { type ChainableCommander, Redis as SingleRedis } from 'ioredis';
import { writeTogether } from '../../batching/write-together.ts';
import { HealifyError, StoreUnavailableError } from '../../contracts/errors.ts';
import { type RedisAddress, readRedisAddress } from '../../contracts/redis-address.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import { anyNodeOf } from './any-node.ts';
import { useNamespace } from './channels.ts';
import { connectCluster } from './connect-cluster.ts';
import {
  backoffMs,
  commonOptions,
  PING_MS,
  type RedisConnectionOptions,
  SILENT_AFTER_MS,
  STILL_WAITING_MS,
  tlsOf,
} from './connection-options.ts';
import { everyPrimary } from './nodes.ts';
import type { Redis } from './redis.ts';
import { isFromReplica, saysReplicasAreMissing, verdictOn } from './reply-errors.ts';

const SENTINEL_TIMEOUT_MS = 2_000;
/** The pauses before the next try if the server turned out not to be the primary: the first, and the longest. */
const LEAVE_REPLICA_MS = { first: 500, most: 10_000 };

/**
 * Connects to Redis in the background: to one server, to the primary that Sentinels name, or to a Redis Cluster. If the
 * connection is lost, it is made again, without an end, with jittered backoff. The log says once that it was lost, and once that
 * it is back. If Redis falls silent, that is logged after a few seconds, and the connection is given up some seconds later.
 *
 * With `commandTimeoutMs`, a command fails after that time, or at once while there is no connection. Without it, a
 * command waits until Redis is back. Workers want that, and BullMQ requires it.
 */
export function connectRedis(options: RedisConnectionOptions): Redis {
  const address = readRedisAddress(options.url);
  return address.kind === 'cluster' ? connectCluster(address, options) : connectServer(options, address);
}

/**
 * Connects as `connectRedis` does, but in a Cluster to one of its nodes, whichever that is. A subscriber needs no more, because
 * each node passes on all messages, and it must know when this connection was lost.
 */
export function connectToOneServer(options: RedisConnectionOptions): SingleRedis {
  return connectServer(options, readRedisAddress(options.url));
}

function connectServer(options: RedisConnectionOptions, address: RedisAddress): SingleRedis {
  const { name, logger, commandTimeoutMs, onUp = () => {}, silentAfterMs = SILENT_AFTER_MS } = options;
  const tls = tlsOf(address, options.ca);
  const all = {
    ...(tls && { tls }),
    ...commonOptions(options),
    retryStrategy: backoffMs,
    ...(commandTimeoutMs === undefined
      ? { maxRetriesPerRequest: null }
      : { maxRetriesPerRequest: 0, enableOfflineQueue: false }),
    reconnectOnError: leaveReplicas(address),
    // If ioredis subscribed again by itself and failed, nobody would catch the error, and the process would end. So
    // each subscriber subscribes itself whenever the connection is ready.
    autoResubscribe: false,
  };
  const redis =
    address.kind === 'server'
      ? new SingleRedis(address.url, all)
      : new SingleRedis({
          ...all,
          ...(address.kind === 'sentinel' ? throughSentinels(address, tls) : toAnyNode(address, tls)),
        });
  if (options.namespace !== undefined) useNamespace(redis, options.namespace);

  let up = false;
  let lastProblem: string | undefined;
  let lastSaidAt = 0;
  redis.on('connect', () => writeTogether(redis.stream));
  redis.on('ready', () => {
    up = true;
    onUp(true);
    lastProblem = undefined;
    logger.info({ connection: name }, 'connected to Redis');
  });
  redis.on('error', (error: Error) => {
    const problem = safeMessage(error);
    const now = performance.now();
    if (up || (problem === lastProblem && now - lastSaidAt < STILL_WAITING_MS)) return;
    lastProblem = problem;
    lastSaidAt = now;
    logger.warn({ connection: name, reason: problem }, 'waiting for Redis');
  });
  // Each connection is pinged, because a connection that only listens sends no other command.
  let unansweredSince: number | undefined;
  let pinging = false;
  let silent = false;
  const answered = () => {
    unansweredSince = undefined;
    if (silent) {
      logger.info({ connection: name }, 'Redis answers again');
      onUp(true);
    }
    silent = false;
  };
  const ping = () => {
    const { stream } = redis;
    const ended = (answers: boolean) => {
      if (redis.stream !== stream || !pinging) return;
      pinging = false;
      if (answers) answered();
    };
    pinging = true;
    unansweredSince ??= performance.now();
    redis.ping().then(
      () => ended(true),
      (error) => ended(!isTimeout(error)),
    );
  };
  const ask = () => {
    if (redis.status !== 'ready') return;
    if (!pinging) ping();
    if (silent || performance.now() - unansweredSince! < silentAfterMs) return;
    silent = true;
    logger.warn({ connection: name }, 'Redis does not answer');
    onUp(false);
  };
  const asking = setInterval(ask, PING_MS).unref();
  redis.on('end', () => clearInterval(asking));
  redis.on('close', () => {
    unansweredSince = undefined;
    pinging = false;
    silent = false;
    onUp(false);
    if (up) logger.warn({ connection: name }, 'lost Redis, connecting again');
    up = false;
  });
  return redis;
}

function throughSentinels(
  { sentinels, name, database, user, sentinelUser }: Extract<RedisAddress, { kind: 'sentinel' }>,
  tls: ConnectionOptions | undefined,
) {
  const { username, password } = sentinelUser;
  return {
    ...{ sentinels, name, role: 'master' as const, db: database, ...user, sentinelRetryStrategy: backoffMs },
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
  };
}

const toAnyNode = (
  { nodes, user }: Extract<RedisAddress, { kind: 'cluster' }>,
  tls: ConnectionOptions | undefined,
) => ({ ...user, Connector: anyNodeOf(nodes, tls) });

/** For a health check. @throws Error unless Redis answers; of a Cluster, all its primaries */
export async function mustAnswer(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') throw new Error('not connected');
  await Promise.all(everyPrimary(redis).map((node) => node.ping()));
}

const isTimeout = (error: unknown) => error instanceof Error && error.message === 'Command timed out';

/**
 * Decides whether to reconnect because of an error: yes if the server says that it is a replica. After a failover the
 * same address leads to the new primary. While it still leads to a replica, the pauses between the tries grow.
 *
 * A primary that is cut off from the other servers does not know that it was replaced. It only says that its replicas are
 * missing. Sentinels know who is the primary, so they are asked then.
 */
function leaveReplicas({ kind }: RedisAddress): (error: Error) => boolean {
  let pauseMs = LEAVE_REPLICA_MS.first;
  let leftAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (!isFromReplica(error) && !(kind === 'sentinel' && saysReplicasAreMissing(error))) return false;
    const sinceMs = performance.now() - leftAt;
    if (sinceMs < pauseMs) return false;
    pauseMs =
      sinceMs > 2 * LEAVE_REPLICA_MS.most ? LEAVE_REPLICA_MS.first : Math.min(LEAVE_REPLICA_MS.most, 2 * pauseMs);
    leftAt = performance.now();
    return true;
  };
}

/**
 * Returns the result of a command. Rejects with StoreUnavailableError if Redis cannot be reached, is too slow, or
 * refuses: it has no memory left, is a replica, denies a right, a quota is used up, or an unknown error. An error that
 * is our fault (a wrong command, script or type) is thrown unchanged.
 */
export async function orStoreUnavailable<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw toStoreError(error);
  }
}

/**
 * Returns the replies of a pipeline or a transaction, in order. @throws as `orStoreUnavailable`, for the first error
 */
export async function repliesOf(commands: ChainableCommander): Promise<unknown[]> {
  const results = await orStoreUnavailable(commands.exec());
  return (results ?? []).map(([error, reply]) => {
    if (error) throw toStoreError(error);
    return reply;
  });
}

function toStoreError(error: unknown): unknown {
  if (error instanceof HealifyError) return error;
  const verdict = verdictOn(error);
  if (verdict === 'fault') return error;
  return new StoreUnavailableError('Redis cannot be reached, does not answer in time, or refuses.', {
    cause: error,
    foreseen: verdict === 'refusal',
  });
}
