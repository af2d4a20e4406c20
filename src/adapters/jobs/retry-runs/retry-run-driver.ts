import type { Logger } from 'pino';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import type { Redis } from '../../redis/redis.ts';
import { atIntervals } from '../at-intervals.ts';
import type { JobShard, JobShards } from '../job-shards.ts';
import { stepRetryRun } from '../redis-scripts/step-retry-run.ts';
import { RUN_KEPT_MS } from './retry-run-admin.ts';

/** How often it looks whether there are runs. */
const LOOK_EVERY_MS = 1_000;
/** How often it takes a step of each run, while there are any. */
const STEP_EVERY_MS = 100;
/** How many jobs of a run one step retries. Redis does nothing else meanwhile. */
const RETRIED_TOGETHER = 200;
const STEP = { most: RETRIED_TOGETHER, keptMs: RUN_KEPT_MS };

/**
 * Takes the steps of the runs that retry failed jobs. Every api does so for all runs, and for each shard by itself. A step is one script: it takes the
 * jobs that are due out of the run's list, puts them in line, and counts them, all in one moment. So apis do not have to
 * agree which of them drives a run, and if one dies, the others go on at once. It is:
 * - *resting* while no run is going. It looks for one every second
 * - *driving*: it takes a step of each run every 100 ms, until no run is left. While Redis is away, steps fail, and the run goes
 *   on where it was
 * - *stopped*
 * @param options.redis the connection that the shards were opened with
 */
export function createRetryRunDriver(options: { shards: JobShards; redis: Redis; logger: Logger }): {
  start(): void;
  stop(): void;
} {
  const drivers = options.shards.all.map((shard) => createShardDriver({ ...options, shard }));
  return {
    start: () => {
      for (const driver of drivers) driver.start();
    },
    stop: () => {
      for (const driver of drivers) driver.stop();
    },
  };
}

function createShardDriver(options: {
  shard: JobShard;
  redis: Redis;
  logger: Logger;
}): ReturnType<typeof createRetryRunDriver> {
  const { shard, redis, logger } = options;
  let state: 'resting' | 'driving' | 'stopped' = 'resting';
  let stopLooking = () => {};
  let stopDriving = () => {};

  async function look(): Promise<void> {
    if (state !== 'resting' || (await step()) === 'no run is going' || state !== 'resting') return;
    state = 'driving';
    stopDriving = atIntervals(STEP_EVERY_MS, async () => {
      if ((await step()) !== 'no run is going' || state !== 'driving') return;
      state = 'resting';
      stopDriving();
    });
  }

  async function step(): Promise<'going on' | 'no run is going'> {
    try {
      const running = Object.entries(await redis.hgetall(redisKeys.runningRetryRuns(shard.prefix)));
      let going = 0;
      for (const [code, id] of running) {
        const run = await stepRetryRun(redis, shard, { id, code }, STEP);
        if (run === 'running') going += 1;
        else if (run === 'finished') logger.info({ run: id, code }, 'all failed jobs of a code have been retried');
        else if (run === 'failed') logger.error({ run: id, code }, 'a run that retries failed jobs has lost its list');
      }
      return going > 0 ? 'going on' : 'no run is going';
    } catch (error) {
      logger.debug({ err: error }, 'failed jobs could not be retried; trying again');
      return 'going on';
    }
  }

  return {
    start: () => {
      stopLooking = atIntervals(LOOK_EVERY_MS, look, { atOnce: true });
    },
    stop: () => {
      state = 'stopped';
      stopLooking();
      stopDriving();
    },
  };
}
