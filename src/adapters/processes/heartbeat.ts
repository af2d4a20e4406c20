import type { Logger } from 'pino';
import type { SeenProcess } from '../../contracts/processes.ts';
import { PROCESSES_KEY } from '../../contracts/redis-keys.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import { closeInTime } from '../rabbitmq/close-in-time.ts';
import type { Redis } from '../redis/redis.ts';
import { writeRefusal } from '../redis/reply-errors.ts';
import { beat } from './redis-scripts/beat.ts';

const BEAT_EVERY_MS = 2_000;
/** A process that was killed is shown as missing for so long. */
const FORGET_MS = 10 * 60_000;

export interface Heartbeat {
  /** Why Redis, which answers, has refused the latest beat, in words that everybody may read. undefined: it has not. */
  readonly refusal: string | undefined;
  start(): void;
  stop(): Promise<void>;
}

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
}): Heartbeat {
  const { redis, logger } = options;
  const { id, ...about } = options.process;
  const json = JSON.stringify({ ...about, startedAt: new Date().toISOString() });
  let timer: NodeJS.Timeout | undefined;
  let last = Promise.resolve();

  let refusal: string | undefined;

  /** A beat is a write, so it shows first that Redis takes none. That is said once. */
  function note(error?: unknown): void {
    const before = refusal;
    refusal = writeRefusal(error);
    if (error) logger.debug({ err: error }, 'no heartbeat was written');
    if (refusal !== undefined && before === undefined)
      logger.warn({ reason: safeMessage(error) }, 'Redis takes no writes');
    if (!error && before !== undefined) logger.info('Redis takes writes again');
  }

  function beatAgain(): void {
    last = beat(redis, id, json, FORGET_MS).then(() => note(), note);
    void last.then(() => {
      if (timer) timer = setTimeout(beatAgain, BEAT_EVERY_MS).unref();
    });
  }

  return {
    get refusal() {
      return refusal;
    },
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
