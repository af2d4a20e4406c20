import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createResumableStreamContext } from 'resumable-stream/ioredis';
import { createRedisLogReader } from '../../src/adapters/answer-log/redis-log-reader.ts';
import { connectRedis } from '../../src/adapters/redis/connect-redis.ts';
import { plainTexts } from '../../src/contracts/sealing.ts';
import type { Servers } from '../servers.ts';
import { readUsage } from '../usage.ts';
import { delaysOf, nowUs } from './delays.ts';
import { startProducer } from './producers.ts';
import type { Figure, Row } from './row.ts';

const STREAMS = 100;
const SECONDS = 12;
const WARM_UP_MS = 4_000;
const MEASURED_MS = 6_000;
/** How fast the models write, and how many readers each stream has in other processes than its producer. */
const CASES = [
  { tokensPerSecond: 20, readers: 1 },
  { tokensPerSecond: 20, readers: 10 },
  { tokensPerSecond: 100, readers: 1 },
];

/** A way to read streams that another process produces. */
interface Reading {
  producer: 'logs' | 'resumable';
  /** Calls that its clients make. What a script calls in turn does not count. */
  commands: readonly string[];
  /** Reads a stream to its end. @param onText gets text as soon as it is there */
  read(id: string, onText: (text: string) => void): Promise<void>;
  close(): void;
}

/**
 * The same streams on the same Redis, ours and in the manner of `resumable-stream`: one process produces, and this one reads all
 * streams, as an api reads what a worker's model writes. The two take turns.
 */
export const againstResumable: Row = async (servers, progress) => {
  const figures: Figure[] = [];
  for (const { tokensPerSecond, readers } of CASES) {
    const measured: Record<string, Awaited<ReturnType<typeof measure>>> = {};
    for (const [name, open] of Object.entries({ ours: openLogs, theirs: openResumable })) {
      progress(`${tokensPerSecond} tokens a second, readers: ${readers}, ${name}`);
      measured[name] = await measure(servers, open, { tokensPerSecond, readers });
    }
    const [ours, theirs] = [measured.ours!, measured.theirs!];
    const of = `${tokensPerSecond} tokens/s, ${readers} ${readers === 1 ? 'reader' : 'readers'}`;
    const compare = (what: string, field: keyof typeof ours, unit: string, goal?: Figure['goal']) => {
      figures.push(
        { what: `${of}: ${what}, ours`, measured: ours[field], unit },
        { what: `${of}: ${what}, theirs`, measured: theirs[field], unit },
        {
          what: `${of}: ${what}, ours / theirs`,
          measured: ours[field] / theirs[field],
          unit: 'x',
          ...(goal && { goal }),
        },
      );
    };
    compare('token to reader, median', 'median', 'ms', { below: 1 });
    compare('token to reader, p99', 'p99', 'ms');
    compare('resumed, until the text is there, median', 'resumedMs', 'ms', { below: 1 });
    compare('calls of Redis for a token', 'calls', '', { below: 1 });
    compare("Redis's CPU for a token", 'redisUs', 'µs');
  }
  return figures;
};

async function measure(
  servers: Servers,
  open: (redisUrl: string) => Reading,
  { tokensPerSecond, readers }: (typeof CASES)[number],
) {
  const { redis, redisUrl } = servers;
  await redis.flushall();
  const ids = Array.from({ length: STREAMS }, () => randomUUID());
  const reading = open(redisUrl);
  const delays: number[] = [];
  let measuring = false;
  const onText = (text: string) => {
    if (!measuring) return;
    const now = nowUs();
    for (const time of text.trimEnd().split(' ')) delays.push((now - Number(time)) / 1000);
  };
  const producer = await startProducer(reading.producer, { redisUrl, ids, tokensPerSecond, seconds: SECONDS });
  try {
    // The producer begins.
    await sleep(WARM_UP_MS / 2);
    const resumed: number[] = [];
    const read = Array.from({ length: readers }, () => ids)
      .flat()
      .map(async (id, index) => {
        // They come one after the other, before measuring begins.
        await sleep((index / (readers * STREAMS)) * (WARM_UP_MS / 2 - 500));
        const from = performance.now();
        let begun = false;
        await reading.read(id, (text) => {
          if (!begun) resumed.push(performance.now() - from);
          begun = true;
          onText(text);
        });
      });
    await sleep(WARM_UP_MS / 2);
    await redis.config('RESETSTAT');
    const before = await readUsage(redis, []);
    measuring = true;
    await sleep(MEASURED_MS);
    measuring = false;
    const after = await readUsage(redis, []);
    const stats = await redis.info('commandstats');
    const callsOf = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    const tokens = (MEASURED_MS / 1000) * tokensPerSecond * STREAMS;
    await Promise.all(read);
    const { median, p99 } = delaysOf(delays);
    return {
      ...{ median, p99, resumedMs: delaysOf(resumed).median },
      calls: reading.commands.reduce((sum, name) => sum + callsOf(name), 0) / tokens,
      redisUs: ((after.redisCpuMs - before.redisCpuMs) * 1000) / tokens,
    };
  } finally {
    reading.close();
    await producer.stop();
  }
}

function openLogs(redisUrl: string): Reading {
  const logger = pino({ level: 'silent' });
  const [redis, subscriber] = [1, 2].map(() => connectRedis({ url: redisUrl, name: 'bench', logger })) as [
    Redis,
    Redis,
  ];
  const reader = createRedisLogReader({ redis, subscriber, seals: plainTexts });
  return {
    producer: 'logs',
    commands: ['evalsha', 'eval', 'xrange', 'subscribe', 'unsubscribe'],
    read: async (id, onText) => {
      for await (const events of reader.read({ requestId: id, userId: 'ann' }, -1)) {
        const text = events.map(({ event }) => (event.type === 'delta' ? event.text : '')).join('');
        if (text !== '') onText(text);
      }
    },
    close: () => {
      reader.stop();
      redis.disconnect();
      subscriber.disconnect();
    },
  };
}

function openResumable(redisUrl: string): Reading {
  const [publisher, subscriber] = [new Redis(redisUrl), new Redis(redisUrl)];
  const context = createResumableStreamContext({ waitUntil: null, publisher, subscriber });
  return {
    producer: 'resumable',
    commands: ['publish', 'get', 'set', 'subscribe', 'unsubscribe'],
    read: async (id, onText) => {
      const stream = await context.resumeExistingStream(id);
      if (!stream) throw new Error('the stream is not there');
      for await (const text of stream as unknown as AsyncIterable<string>) if (text !== '') onText(text);
    },
    close: () => {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}
