import { Cluster, type Redis as SingleRedis } from 'ioredis';
import { writeTogether } from '../../batching/write-together.ts';
import type { RedisAddress } from '../../contracts/redis-address.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import { useNamespace } from './channels.ts';
import {
  backoffMs,
  commonOptions,
  PING_MS,
  type RedisConnectionOptions,
  SILENT_AFTER_MS,
  STILL_WAITING_MS,
  tlsOf,
} from './connection-options.ts';

/** A node that was cut off is noticed by this, as well as by commands that are sent elsewhere. */
const LOOK_AT_SLOTS_MS = 5_000;
const LOOK_TIMEOUT_MS = 2_000;
/** How long a command waits before it is tried again, while its slot has no primary or has just moved. */
const TRY_AGAIN_MS = 100;

/**
 * Connects to a Redis Cluster: see `connectRedis`. A command goes to the node that has its key. While that node is being
 * replaced, the command is tried again until its time is over, or without an end. The log and `onUp` tell about all primaries
 * together: they are up if each answers.
 */
export function connectCluster(
  address: Extract<RedisAddress, { kind: 'cluster' }>,
  options: RedisConnectionOptions,
): Cluster {
  const { ca, name, logger, commandTimeoutMs, namespace, onUp = () => {}, silentAfterMs = SILENT_AFTER_MS } = options;
  const tls = tlsOf(address, ca);
  const cluster = new Cluster(address.nodes, {
    clusterRetryStrategy: backoffMs,
    enableOfflineQueue: commandTimeoutMs === undefined,
    maxRedirections: commandTimeoutMs === undefined ? Number.POSITIVE_INFINITY : 2 + commandTimeoutMs / TRY_AGAIN_MS,
    retryDelayOnMoved: TRY_AGAIN_MS / 2,
    retryDelayOnFailover: TRY_AGAIN_MS,
    retryDelayOnClusterDown: TRY_AGAIN_MS,
    retryDelayOnTryAgain: TRY_AGAIN_MS,
    slotsRefreshTimeout: LOOK_TIMEOUT_MS,
    slotsRefreshInterval: LOOK_AT_SLOTS_MS,
    // A certificate is for the name, not for the address.
    dnsLookup: (host, callback) => callback(null, host),
    redisOptions: { ...commonOptions(options), ...address.user, ...(tls && { tls }) },
  });
  if (namespace !== undefined) useNamespace(cluster, namespace);
  cluster.on('+node', (node: SingleRedis) => {
    node.on('connect', () => writeTogether(node.stream));
  });

  let up = false;
  let silent = false;
  let lastProblem: string | undefined;
  let lastSaidAt = 0;
  const answers = watchPrimaries(cluster);
  cluster.on('ready', () => {
    up = true;
    silent = false;
    answers.reset();
    lastProblem = undefined;
    onUp(true);
    logger.info({ connection: name }, 'connected to the Redis Cluster');
  });
  cluster.on('error', (error: Error & { lastNodeError?: Error }) => {
    const problem = safeMessage(error.lastNodeError ?? error);
    const now = performance.now();
    if (up || (problem === lastProblem && now - lastSaidAt < STILL_WAITING_MS)) return;
    lastProblem = problem;
    lastSaidAt = now;
    logger.warn({ connection: name, reason: problem }, 'waiting for the Redis Cluster');
  });
  cluster.on('close', () => {
    onUp(false);
    if (up) logger.warn({ connection: name }, 'lost the Redis Cluster, connecting again');
    up = false;
  });
  const look = () => {
    if (cluster.status !== 'ready') return;
    const silentMs = answers.ask();
    if (silent === silentMs >= silentAfterMs) return;
    silent = !silent;
    if (silent) logger.warn({ connection: name }, 'a primary of the Redis Cluster does not answer');
    else logger.info({ connection: name }, 'all primaries of the Redis Cluster answer again');
    onUp(!silent);
  };
  const looking = setInterval(look, PING_MS).unref();
  cluster.on('end', () => clearInterval(looking));
  return cluster;
}

/** Pings the primaries. `ask` says for how long the one that is silent longest has been silent, in ms. */
function watchPrimaries(cluster: Cluster) {
  /** By host:port: since when it owes an answer. */
  const unansweredSince = new Map<string, number>();
  const asked = new Set<SingleRedis>();
  let primaries: string[] = [];
  cluster.on('refresh', () => {
    primaries = [...new Set(cluster.slots.map((nodes) => nodes?.[0]))].filter((key) => key !== undefined);
    for (const key of unansweredSince.keys()) if (!primaries.includes(key)) unansweredSince.delete(key);
  });

  function ping(key: string): void {
    const node = cluster.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === key);
    if (!node || asked.has(node)) return;
    asked.add(node);
    node
      .ping()
      .then(
        () => unansweredSince.delete(key),
        // An answer such as LOADING is an answer. Without one, the node is still asked.
        () => {},
      )
      .finally(() => asked.delete(node));
  }

  return {
    reset: () => unansweredSince.clear(),
    ask: () => {
      const now = performance.now();
      for (const key of primaries) {
        if (!unansweredSince.has(key)) unansweredSince.set(key, now);
        ping(key);
      }
      return Math.max(0, ...[...unansweredSince.values()].map((since) => now - since));
    },
  };
}
