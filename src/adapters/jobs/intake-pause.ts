import type { Logger } from 'pino';
import type { IntakeAdmin, IntakePause } from '../../contracts/intake.ts';
import { INTAKE_CHANNEL, INTAKE_PAUSE_KEY } from '../../contracts/redis-keys.ts';
import { channelOf } from '../redis/channels.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis, Subscriber } from '../redis/redis.ts';
import { atIntervals } from './at-intervals.ts';

const NOT_PAUSED: IntakePause = { paused: false, since: null, by: null };
/** A worker that missed the notice of a change sees it at its next look. */
const LOOK_EVERY_MS = 2_000;

/** Says whether workers may take questions from RabbitMQ. It is kept in Redis, so it outlives every process. */
export function createIntakeAdmin(redis: Redis): IntakeAdmin {
  const read = async () => readPause(await orStoreUnavailable(redis.get(INTAKE_PAUSE_KEY)));
  const tellWorkers = () => redis.publish(channelOf(redis, INTAKE_CHANNEL), '').catch(() => {});
  return {
    read,
    pause: async (by) => {
      const pause = JSON.stringify({ since: new Date().toISOString(), by });
      const set = await orStoreUnavailable(redis.set(INTAKE_PAUSE_KEY, pause, 'NX'));
      await tellWorkers();
      return { changed: set !== null, intake: await read() };
    },
    resume: async () => {
      const deleted = await orStoreUnavailable(redis.del(INTAKE_PAUSE_KEY));
      await tellWorkers();
      return { changed: deleted === 1, intake: await read() };
    },
  };
}

function readPause(json: string | null): IntakePause {
  return json === null ? NOT_PAUSED : { paused: true, ...(JSON.parse(json) as { since: string; by: string }) };
}

/**
 * Tells a worker whether the intake is paused. It has these states:
 * - *unknown* from `start` on, until Redis has said it for the first time. `start` resolves then
 * - *watching*: it looks at each notice and every two seconds. While Redis is away, what was seen last counts
 * - *stopped*
 * @param options.redis its commands must fail in time while Redis is away
 * @param options.subscriber a connection to the same Redis that is used for subscriptions
 * @param options.onChange told what is seen first, and each change
 */
export function watchIntakePause(options: {
  redis: Redis;
  subscriber: Subscriber;
  onChange: (pause: IntakePause) => void;
  logger: Logger;
}): { start(): Promise<void>; stop(): void } {
  const { redis, subscriber, onChange, logger } = options;
  const notices = channelOf(redis, INTAKE_CHANNEL);
  const known = Promise.withResolvers<void>();
  let seen: string | null | undefined;
  let stopLooking = () => {};

  async function look(): Promise<void> {
    try {
      const json = await redis.get(INTAKE_PAUSE_KEY);
      if (json === seen) return;
      seen = json;
      onChange(readPause(json));
      known.resolve();
    } catch (error) {
      logger.debug({ err: error }, 'it could not be read whether the intake is paused; trying again');
    }
  }

  const subscribe = () => void subscriber.subscribe(notices).catch(() => {});
  const onMessage = (channel: string) => {
    if (channel === notices) void look();
  };
  return {
    start: async () => {
      subscriber.on('message', onMessage);
      subscriber.on('ready', subscribe);
      if (subscriber.status === 'ready') subscribe();
      stopLooking = atIntervals(LOOK_EVERY_MS, look, { atOnce: true });
      await known.promise;
    },
    stop: () => {
      stopLooking();
      subscriber.off('message', onMessage);
      subscriber.off('ready', subscribe);
    },
  };
}
