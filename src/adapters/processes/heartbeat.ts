import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { SeenProcess } from '../../contracts/processes.ts';
import { PROCESSES_KEY } from '../../contracts/redis-keys.ts';
import { closeInTime } from '../rabbitmq/close-in-time.ts';
import { beat } from './redis-scripts/beat.ts';

const BEAT_EVERY_MS = 2_000;
/** A process that was killed is shown as missing for so long. */
const FORGET_MS = 10 * 60_000;

/**
 * Shows all processes of the installation that this one is alive. It is in one of two states:
 * - *beating*: it writes once every two seconds. What fails is tried again at the next beat.
 * - *stopped*: it has removed itself from the list, so it is not missing.
 */
export function createHeartbeat(options: {
  /** Its commands must fail in time while Redis is away. */
  redis: Redis;
  process: Pick<SeenProcess, 'id' | 'role' | 'version' | 'settings'>;
  logger: Logger;
}): { start(): void; stop(): Promise<void> } {
  const { redis, logger } = options;
  const { id, ...about } = options.process;
  const json = JSON.stringify({ ...about, startedAt: new Date().toISOString() });
  let timer: NodeJS.Timeout | undefined;
  let last = Promise.resolve();

  function beatAgain(): void {
    last = beat(redis, id, json, FORGET_MS).catch((error) => logger.debug({ err: error }, 'no heartbeat was written'));
    void last.then(() => {
      if (timer) timer = setTimeout(beatAgain, BEAT_EVERY_MS).unref();
    });
  }

  return {
    start: () => {
      timer = setTimeout(beatAgain, 0).unref();
    },
    stop: async () => {
      clearTimeout(timer);
      timer = undefined;
      await closeInTime(last.then(() => redis.hdel(PROCESSES_KEY, id)));
    },
  };
}
