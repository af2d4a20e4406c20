import type { Logger } from 'pino';
import { DEPTHS_KEPT, DEPTHS_STEP_MS, type DepthHistory, type DepthSeries } from '../../contracts/depths.ts';
import { DEPTHS_KEY } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { atIntervals } from './at-intervals.ts';
import { recordDepths } from './redis-scripts/record-depths.ts';

/** The depths at one moment, by name; a part is absent while its server is away. */
export interface DepthSample {
  queue?: Record<string, number>;
  jobs?: Record<string, number>;
}

/** Often enough that no step is left out. */
const OFFER_EVERY_MS = DEPTHS_STEP_MS / 3;
const KINDS = ['queue', 'jobs'] as const;

/**
 * Keeps the depths of the last hour in Redis: one list of at most 240 samples, about 40 kB. Every api offers samples, and
 * the first one of each step of 15 s is kept. It is *resting* between two offers, *offering*, or *stopped*; see `atIntervals`.
 */
export function createDepthRecorder(options: {
  redis: Redis;
  look: () => Promise<DepthSample | undefined>;
  logger: Logger;
}): { start(): void; stop(): void } {
  const { redis, look, logger } = options;
  let stop = () => {};

  async function offer(): Promise<void> {
    try {
      const sample = await look();
      if (!sample) return;
      await recordDepths(redis, DEPTHS_KEY, JSON.stringify(sample), { stepMs: DEPTHS_STEP_MS, kept: DEPTHS_KEPT });
    } catch (error) {
      logger.debug({ err: error }, 'the depths could not be kept; trying again');
    }
  }

  return {
    start: () => {
      stop = atIntervals(OFFER_EVERY_MS, offer, { atOnce: true });
    },
    stop: () => stop(),
  };
}

/**
 * The depths of the last hour. One round trip.
 * @throws StoreUnavailableError
 */
export async function readDepthHistory(redis: Redis): Promise<DepthHistory> {
  const [samples, [seconds]] = (await orStoreUnavailable(
    repliesOf(
      redis
        .pipeline()
        .lrange(DEPTHS_KEY, 0, DEPTHS_KEPT - 1)
        .time(),
    ),
  )) as [string[], [string | number]];
  const first = Math.floor((Number(seconds) * 1_000) / DEPTHS_STEP_MS) - DEPTHS_KEPT + 1;
  const series = new Map<string, DepthSeries>();
  for (const line of samples) {
    const space = line.indexOf(' ');
    const index = Number(line.slice(0, space)) - first;
    if (index < 0 || index >= DEPTHS_KEPT) continue;
    const sample = JSON.parse(line.slice(space + 1)) as DepthSample;
    for (const kind of KINDS) {
      for (const [name, value] of Object.entries(sample[kind] ?? {})) {
        const key = `${kind} ${name}`;
        const one = series.get(key) ?? { name, kind, values: new Array<number | null>(DEPTHS_KEPT).fill(null) };
        one.values[index] = value;
        series.set(key, one);
      }
    }
  }
  const all = [...series.values()].sort((a, b) => b.kind.localeCompare(a.kind) || a.name.localeCompare(b.name));
  return { from: new Date(first * DEPTHS_STEP_MS).toISOString(), stepMs: DEPTHS_STEP_MS, series: all };
}
