import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Network } from './network/network.ts';
import { onFreePorts } from './on-free-ports.ts';
import { startOneProcess } from './one-process.ts';
import { type RedisSettings, runRedis, runSentinel } from './redis.ts';
import { type RedisAccess, withAccess } from './redis-access.ts';
import type { Service } from './service.ts';

const NAME = 'mymaster';
const REPLICAS = 2;
const SENTINELS = 3;
const QUORUM = 2;
/** A primary that is silent for this long is replaced, if nothing else is said. */
const DOWN_AFTER_MS = 1_500;
const FAILOVER_TIMEOUT_MS = 6_000;
const JOIN_TIMEOUT_MS = 60_000;

/** A primary with two replicas, and three Sentinels, on this machine. */
export interface RedisWithSentinels {
  readonly servers: readonly Service[];
  readonly sentinels: readonly Service[];
  /** For REDIS_URL, without a user. */
  readonly url: string;
  /** Whether the replicas follow the primary, and all Sentinels see it. */
  isWhole(): Promise<boolean>;
  /** The server that takes writes now, as the Sentinels say. */
  primary(): Promise<Service>;
  /** A connection as admin to a server. The caller ends it. */
  connect(server: Service): Redis;
  /** SIGKILL to all. */
  kill(): Promise<void>;
}

/**
 * Starts them, with their data in `dir`. It takes some seconds.
 * @param options.network where all of them are reached, as `server-1`, `sentinel-1` and so on. Left out: they are reached
 * directly
 * @param options.serverSettings for the primary and the replicas
 */
export async function startRedisWithSentinels(
  options: {
    dir: string;
    appendfsync?: 'always' | 'everysec';
    network?: Network;
    serverSettings?: RedisSettings;
    /** A primary that is silent for this long is replaced. */
    downAfterMs?: number;
  } & RedisAccess,
): Promise<RedisWithSentinels> {
  const { dir, appendfsync, network, serverSettings, downAfterMs = DOWN_AFTER_MS, ...access } = options;
  const { settings, replicaSettings, scheme, connectionTo } = withAccess(dir, access);
  // A Sentinel has other commands, so the users of the servers are none for it.
  const { settings: tlsOnly } = withAccess(dir, access.tls ? { tls: access.tls } : {});
  const sentinelSettings = (port: number) => ({
    ...tlsOnly(port),
    ...(access.tls && { 'tls-replication': 'yes' }),
    ...(access.users && { requirepass: access.users.adminPassword }),
  });
  const started: Service[] = [];
  const start = (name: string, howAt: (place: Place) => ReturnType<typeof runRedis>) =>
    onFreePorts(1, async ([port]) => {
      const door = await network?.doorTo(name, port!);
      const url = `${scheme}://127.0.0.1:${door ?? port}`;
      const service = await startOneProcess({ url, ...howAt({ dir: join(dir, name), port: port!, door }) });
      started.push(service);
      return service;
    });
  const fromOwnAddress = (name: string): RedisSettings =>
    network ? { 'bind-source-addr': network.addressOf(name) } : {};
  const startServer = (name: string, primary?: Service) =>
    start(name, ({ dir: itsDir, port, door }) =>
      runRedis({
        dir: itsDir,
        ...(appendfsync && { appendfsync }),
        settings: {
          ...{ ...settings(port), ...replicaSettings, 'repl-diskless-sync-delay': 0 },
          ...fromOwnAddress(name),
          ...(door && { 'replica-announce-ip': '127.0.0.1', 'replica-announce-port': door }),
          ...(primary && { replicaof: `127.0.0.1 ${portOf(primary)}` }),
          ...serverSettings,
        },
      }),
    );
  const kill = async () => void (await Promise.all(started.map((server) => server.kill())));
  const ask = async <T>(server: Service, question: (admin: Redis) => Promise<T>): Promise<T> => {
    const admin = connectionTo(server.url);
    try {
      return await question(admin);
    } finally {
      admin.disconnect();
    }
  };

  try {
    const first = await startServer('server-1');
    const replicas = await Promise.all(
      Array.from({ length: REPLICAS }, (_, i) => startServer(`server-${i + 2}`, first)),
    );
    const servers = [first, ...replicas];
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, (_, i) =>
        start(`sentinel-${i + 1}`, ({ dir: itsDir, port, door }) =>
          runSentinel({
            dir: itsDir,
            settings: { ...sentinelSettings(port), ...fromOwnAddress(`sentinel-${i + 1}`) },
            more: [
              ...(door ? ['sentinel announce-ip 127.0.0.1', `sentinel announce-port ${door}`] : []),
              `sentinel monitor ${NAME} 127.0.0.1 ${portOf(first)} ${QUORUM}`,
              `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
              `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
              ...(access.users
                ? [
                    `sentinel auth-pass ${NAME} ${access.users.adminPassword}`,
                    `sentinel sentinel-pass ${access.users.adminPassword}`,
                  ]
                : []),
            ],
          }),
        ),
      ),
    );
    const primary = async () => {
      for (const sentinel of sentinels) {
        const [, port] = await ask(
          sentinel,
          (admin) => admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME) as Promise<[string, string]>,
        ).catch(() => []);
        const server = servers.find((each) => portOf(each) === port);
        if (server) return server;
      }
      throw new Error('no Sentinel knows the primary');
    };
    const deadline = Date.now() + JOIN_TIMEOUT_MS;
    for (const sentinel of sentinels) {
      const knowsAll = (info: string) => info.includes(`slaves=${REPLICAS},sentinels=${SENTINELS}`);
      while (!knowsAll(await ask(sentinel, (admin) => admin.info('sentinel')))) {
        if (Date.now() > deadline) throw new Error('the Sentinels did not find each other in time');
        await sleep(50);
      }
    }
    const allFollow = async (): Promise<boolean> => {
      const replication = await ask(await primary(), (admin) => admin.info('replication'));
      const states = await Promise.all(sentinels.map((sentinel) => ask(sentinel, (admin) => admin.info('sentinel'))));
      return (
        [...replication.matchAll(/,state=online,/g)].length === REPLICAS &&
        states.every((state) => state.includes('status=ok'))
      );
    };
    return {
      ...{ servers, sentinels, primary, kill },
      isWhole: () => allFollow().catch(() => false),
      url: `${scheme}+sentinel://${sentinels.map(({ url }) => new URL(url).host).join(',')}/${NAME}`,
      connect: ({ url }) => connectionTo(url),
    };
  } catch (error) {
    await kill();
    throw error;
  }
}

interface Place {
  dir: string;
  port: number;
  /** The port where others reach it, if that is another one. */
  door: number | undefined;
}

const portOf = ({ url }: Service) => new URL(url).port;
