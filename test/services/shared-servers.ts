import { Redis } from 'ioredis';
import { rabbitMqVersion, redisVersion } from '../../tools/services/versions.ts';
import { installPrograms } from './choose-way.ts';
import { emptyMongoDb } from './empty-mongodb.ts';
import { emptyRabbitMq } from './empty-rabbitmq.ts';
import { startMongoDbFrom } from './mongodb-servers.ts';
import type { MongoDbSource } from './mongodb-source.ts';
import { serversBy, type Way } from './servers.ts';

/** Where a server of the run is, and how it was started. */
export interface SharedRedis {
  readonly way: Way;
  readonly url: string;
}

export interface SharedRabbitMq {
  readonly way: Way;
  readonly url: string;
  readonly managementUrl: string;
}

export interface SharedMongoDb {
  readonly url: string;
}

/** The one Redis, the one RabbitMQ and the one MongoDB that the tests of a run share. */
export interface SharedServers {
  /** Starts it, if no test has asked for it before. */
  redis(): Promise<SharedRedis>;
  rabbitMq(): Promise<SharedRabbitMq>;
  mongoDb(): Promise<SharedMongoDb>;
  /** Deletes what tests have left in those that run. */
  empty(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Servers that are not started before a test asks for them. A server that could not be started stays so: each test that
 * asks for it fails with the same error.
 */
export function createSharedServers(wantedWay: Way, mongoDbSource: MongoDbSource): SharedServers {
  const stops: (() => Promise<void>)[] = [];
  const redis = once(async () => {
    const { way, server } = await startRedis(wantedWay);
    stops.push(server.stop);
    return { way, url: server.url };
  });
  const rabbitMq = once(async () => {
    // Redis starts within a moment, and shows whether containers can be started at all.
    const { way } = await redis();
    const startedAtMs = performance.now();
    const { stop, url, managementUrl } = await (await serversBy(way)).startRabbitMq();
    stops.push(stop);
    report(await rabbitMqVersion(managementUrl), way, startedAtMs);
    return { way, url, managementUrl };
  });
  const mongoDb = once(async () => {
    const startedAtMs = performance.now();
    const { stop, url, kind } = await startMongoDbFrom(mongoDbSource);
    stops.push(stop);
    print(`MongoDB (${kind}) ready in ${Math.round(performance.now() - startedAtMs)} ms`);
    return { url };
  });
  return {
    redis,
    rabbitMq,
    mongoDb,
    empty: async () => {
      const [redisNow, rabbitMqNow, mongoDbNow] = await Promise.all([
        redis.started(),
        rabbitMq.started(),
        mongoDb.started(),
      ]);
      if (redisNow) await withRedis(redisNow.url, (client) => client.flushall());
      if (rabbitMqNow) await emptyRabbitMq(rabbitMqNow.managementUrl);
      if (mongoDbNow) await emptyMongoDb(mongoDbNow.url);
    },
    stop: async () => {
      await Promise.all([redis.started(), rabbitMq.started(), mongoDb.started()]);
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}

/**
 * Starts Redis as wanted. Where containers cannot be started, tries once more without testcontainers' reaper: its
 * image, which clears up after a killed run, may not be to be had where the servers' images are. Then starts this
 * machine's Redis, unless TEST_SERVICES forbids that.
 */
async function startRedis(way: Way) {
  try {
    return await startRedisBy(way);
  } catch (error) {
    if (way === 'local') throw error;
    print(`Containers cannot be started: ${(error as Error).message}\nTrying without testcontainers' reaper ...`);
  }
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  try {
    return await startRedisBy('containers');
  } catch (error) {
    if (process.env.TEST_SERVICES) throw error;
    print(`Nor so: ${(error as Error).message}\nServers of this machine serve.`);
    installPrograms();
    return await startRedisBy('local');
  }
}

async function startRedisBy(way: Way) {
  const startedAtMs = performance.now();
  const server = await (await serversBy(way)).startRedis();
  report(await withRedis(server.url, redisVersion), way, startedAtMs);
  return { way, server };
}

async function withRedis<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

const report = (version: string, way: Way, startedAtMs: number) =>
  print(`${version} (${way}) ready in ${Math.round(performance.now() - startedAtMs)} ms`);
const print = (text: string) => process.stdout.write(`\n${text}\n`);

/**
 * A function that works at its first call only. `started` gives what that call gave, or undefined if there was none or
 * it failed.
 */
function once<T>(work: () => Promise<T>) {
  let result: Promise<T> | undefined;
  const call = () => {
    result ??= work();
    return result;
  };
  return Object.assign(call, { started: async () => await result?.catch(() => undefined) });
}
