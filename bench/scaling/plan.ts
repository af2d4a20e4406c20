import { answerCache } from '../../src/config/settings/answer-cache.ts';
import { answerLog } from '../../src/config/settings/answer-log.ts';
import { mongoDb } from '../../src/config/settings/mongodb.ts';
import { requestsAndSessions } from '../../src/config/settings/requests-and-sessions.ts';
import type { Cost, Costs } from './costs.ts';

const MB = 1e6;
const GB = 1e9;
const DAY_SECONDS = 86_400;

/** What is asked for. */
export interface Load {
  /** Requests a second. */
  rate: number;
  answerSeconds: number;
  tokensPerSecond: number;
}

/** What one of each is taken to bear. */
export interface Unit {
  /** The share of a core or of a memory that is used at most. */
  busy: number;
  /** Open streams of an api, and of a worker. */
  streamsOfApi: number;
  streamsOfWorker: number;
  /** Memory of a Redis, in GB. */
  redisGb: number;
  /** Cores of a RabbitMQ node. */
  rabbitMqCores: number;
  /** Sequential writes of a disk, in MB a second. */
  diskMb: number;
  /** How long a session in use, a log and a cached answer stay in Redis, in seconds. */
  sessionSeconds: number;
  logSeconds: number;
  cacheSeconds: number;
  historyDays: number;
}

export const units: Unit = {
  ...{ busy: 0.7, streamsOfApi: 2_500, streamsOfWorker: 500, redisGb: 64, rabbitMqCores: 8, diskMb: 200 },
  sessionSeconds: defaultSeconds(mongoDb.sessionIdleMs),
  logSeconds: defaultSeconds(answerLog.answerLogTtlMs),
  cacheSeconds: defaultSeconds(answerCache.cacheTtlMs),
  historyDays: defaultSeconds(requestsAndSessions.historyRetentionMs) / DAY_SECONDS,
};

/** The default of a setting that is a duration. */
function defaultSeconds({
  type,
  default: text,
}: {
  type: { parse(text: unknown): number };
  default?: unknown;
}): number {
  return type.parse(text) / 1000;
}

/** One row: a figure, and what it says. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
}

export interface Plan {
  figures: Figure[];
  /** What one of each bears at most, in requests a second; the one that is used up first is first. */
  limits: { what: string; rate: number; needed: number }[];
}

/** How much of each is needed for a load. */
export function planFor(load: Load, { perRequest, perToken }: Costs, unit: Unit = units): Plan {
  const { rate, answerSeconds } = load;
  const tokens = answerSeconds * load.tokensPerSecond;
  const of = (cost: keyof Cost) => perRequest[cost] + tokens * perToken[cost];
  const aSecond = (cost: keyof Cost) => rate * of(cost);
  const memoryOfOne =
    of('redisLogBytes') * (unit.logSeconds + answerSeconds) +
    of('redisCacheBytes') * unit.cacheSeconds +
    of('redisSessionBytes') * (unit.sessionSeconds + answerSeconds) +
    of('redisOtherBytes') * answerSeconds;
  const cores = (cost: 'redisCpuMs' | 'rabbitMqCpuMs' | 'apiCpuMs' | 'workerCpuMs') => aSecond(cost) / 1000;
  const bytesOnDisk = of('redisDiskBytes');
  const limit = (what: string, rateOfOne: number) => ({ what, rate: rateOfOne, needed: Math.ceil(rate / rateOfOne) });
  return {
    figures: [
      { what: 'open streams', value: rate * answerSeconds, unit: '' },
      { what: 'tokens', value: rate * tokens, unit: 'a second' },
      { what: 'log writes', value: aSecond('logWrites'), unit: 'a second' },
      { what: 'Redis commands', value: aSecond('redisCommands'), unit: 'a second' },
      { what: 'Redis CPU', value: cores('redisCpuMs'), unit: 'cores' },
      { what: 'Redis network', value: aSecond('redisNetworkBytes') / MB, unit: 'MB/s' },
      { what: 'Redis memory', value: (rate * memoryOfOne) / GB, unit: 'GB' },
      {
        what: 'of that, answer logs',
        value: (aSecond('redisLogBytes') * (unit.logSeconds + answerSeconds)) / GB,
        unit: 'GB',
      },
      { what: 'of that, cached answers', value: (aSecond('redisCacheBytes') * unit.cacheSeconds) / GB, unit: 'GB' },
      { what: 'Redis disk (append-only file)', value: aSecond('redisDiskBytes') / MB, unit: 'MB/s' },
      { what: 'RabbitMQ messages', value: aSecond('rabbitMqMessages'), unit: 'a second' },
      { what: 'RabbitMQ CPU', value: cores('rabbitMqCpuMs'), unit: 'cores' },
      { what: 'RabbitMQ network', value: aSecond('rabbitMqNetworkBytes') / MB, unit: 'MB/s' },
      { what: 'RabbitMQ disk, each node', value: aSecond('rabbitMqDiskBytes') / MB, unit: 'MB/s' },
      { what: 'MongoDB writes', value: aSecond('mongoDbWrites'), unit: 'a second' },
      { what: 'MongoDB data', value: aSecond('mongoDbBytes') / MB, unit: 'MB/s' },
      {
        what: 'MongoDB disk, kept history',
        value: (aSecond('mongoDbBytes') * DAY_SECONDS * unit.historyDays) / GB / 1000,
        unit: 'TB',
      },
      { what: 'api CPU', value: cores('apiCpuMs'), unit: 'cores' },
      { what: 'worker CPU', value: cores('workerCpuMs'), unit: 'cores' },
    ],
    limits: [
      limit('worker processes, by open streams', unit.streamsOfWorker / answerSeconds),
      limit('worker processes, by CPU', (unit.busy * 1000) / of('workerCpuMs')),
      limit('api processes, by open streams', unit.streamsOfApi / answerSeconds),
      limit('api processes, by CPU', (unit.busy * 1000) / of('apiCpuMs')),
      limit('Redis masters, by memory', (unit.busy * unit.redisGb * GB) / memoryOfOne),
      limit('Redis masters, by CPU', (unit.busy * 1000) / of('redisCpuMs')),
      limit('Redis masters, by disk', (unit.busy * unit.diskMb * MB) / bytesOnDisk),
      limit('RabbitMQ clusters of three, by CPU', (unit.busy * 1000 * unit.rabbitMqCores) / of('rabbitMqCpuMs')),
      limit('RabbitMQ clusters of three, by disk', (unit.busy * unit.diskMb * MB) / of('rabbitMqDiskBytes')),
      limit('MongoDB shards of three, by disk', (unit.busy * unit.diskMb * MB) / of('mongoDbBytes')),
    ].sort((one, two) => one.rate - two.rate),
  };
}
