import { Redis } from 'ioredis';
import { channelOf } from '../../src/adapters/redis/channels.ts';
import { ANSWER_LOG_CHANNEL } from '../../src/contracts/redis-keys.ts';
import { pipeline } from '../contenders.ts';
import { fill } from '../drain.ts';
import type { Servers } from '../servers.ts';
import { nowUs, timesIn } from './delays.ts';

export const TOKENS_PER_SECOND = 20;

/** What the readers of all logs are told, and how late. */
export interface WatchedLogs {
  /** ms from the writing of each token to its arrival here. */
  delays: number[];
  /** How many batches of deltas there were. */
  batches: number;
  /** How many logs had events. */
  readonly logs: number;
  /** Counts from zero. */
  reset(): void;
  close(): void;
}

/** Listens as an api does, to all logs. */
export async function watchLogs({ redisUrl }: Servers): Promise<WatchedLogs> {
  const subscriber = new Redis(redisUrl);
  const seen = new Set<string>();
  const watched: WatchedLogs = {
    delays: [],
    batches: 0,
    get logs() {
      return seen.size;
    },
    reset: () => {
      seen.clear();
      watched.delays = [];
      watched.batches = 0;
    },
    close: () => subscriber.disconnect(),
  };
  subscriber.on('pmessage', (_pattern: string, channel: string, message: string) => {
    const times = timesIn(message);
    if (times.length === 0) return;
    const now = nowUs();
    seen.add(channel);
    watched.batches += 1;
    for (const time of times) watched.delays.push((now - time) / 1000);
  });
  await subscriber.psubscribe(channelOf(subscriber, `${ANSWER_LOG_CHANNEL}:*`));
  return watched;
}

/** Asks questions whose answers are streamed, over RabbitMQ. @param from the number of the first one */
export const askForStreams = (servers: Servers, from: number, count: number) =>
  fill(servers, pipeline, new Set(), {
    ...{ from, count },
    question: (i) => ({ message: `Question ${i}: how much water should I drink a day?`, cache: false, stream: true }),
  });

/** Has the model write so many tokens to each question, each of which is the time when it is written. */
export const setStreams = (servers: Servers, tokens: number) =>
  servers.setModel({ stream: { tokensPerSecond: TOKENS_PER_SECOND, tokens, times: true } });
