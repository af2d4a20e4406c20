import type { Logger } from 'pino';
import { LOGIN_ENDED_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';
import { channelOf } from '../redis/channels.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis, Subscriber } from '../redis/redis.ts';
import type { EndedLogins } from './ended-logins.ts';
import { endLogin } from './redis-scripts/end-login.ts';

const LOOK_EVERY_MS = 1_000;
/**
 * A look begins this much before the latest login it knows, because after a failover the server's clock may be behind.
 */
const OVERLAP_MS = 10_000;

/**
 * Ended logins in Redis: a sorted set of their ids by the time they ended, and a channel (pub/sub) with a notice of
 * each.
 *
 * A process that has started has one of two states:
 * - *learning*: it does not know yet which logins have ended. The first successful look at the set ends this state, and
 *   `start` resolves.
 * - *knowing*: each notice on the channel adds a login. A look once a second finds those whose notice was missed. It
 *   reads the set from the latest login on that a look has found. After a failed look, or after Redis was away, the
 *   next look reads the whole set. A failed look does not change the state: the process goes on with what it knows.
 * @param options.keepMs how long an access token may outlive its login
 * @param options.subscriber a connection for pub/sub; others may use it as well
 */
export function createRedisEndedLogins(options: {
  redis: Redis;
  subscriber: Subscriber;
  keepMs: number;
  logger: Logger;
}): EndedLogins {
  const { redis, subscriber, keepMs, logger } = options;
  const key = redisKeys.endedLogins();
  const channel = channelOf(redis, LOGIN_ENDED_CHANNEL);
  /** When each login can be forgotten, on the clock of this process. The oldest comes first. */
  const ended = new Map<string, number>();
  /** When the latest login that a look has found ended, in ms of the server's clock. */
  let latest = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let known = false;
  const waiting: (() => void)[] = [];

  const listeners: ((loginId: string) => void)[] = [];

  function add(loginId: string): void {
    const isNews = !ended.has(loginId);
    // Deleted first, so that it moves to the end of the map.
    ended.delete(loginId);
    ended.set(loginId, performance.now() + keepMs);
    if (isNews) for (const listener of listeners) listener(loginId);
  }

  function forgetOld(): void {
    const now = performance.now();
    for (const [loginId, until] of ended) {
      if (until > now) return;
      ended.delete(loginId);
    }
  }

  async function look(): Promise<void> {
    forgetOld();
    try {
      const found = await redis.zrangebyscore(key, latest - OVERLAP_MS, '+inf', 'WITHSCORES');
      for (let i = 0; i < found.length; i += 2) {
        const [loginId, endedAt] = [found[i]!, Number(found[i + 1])];
        if (!ended.has(loginId)) add(loginId);
        latest = Math.max(latest, endedAt);
      }
      known = true;
      for (const resolve of waiting.splice(0)) resolve();
    } catch (error) {
      latest = Number.NEGATIVE_INFINITY;
      logger[known ? 'debug' : 'warn']({ err: error }, 'ended logins could not be read');
    }
  }

  function lookAtAll(): void {
    latest = Number.NEGATIVE_INFINITY;
    void look();
  }
  const subscribe = () => void subscriber.subscribe(channel).catch(() => {});
  const onMessage = (from: string, loginId: string) => {
    if (from === channel) add(loginId);
  };

  return {
    has: (loginId) => ended.has(loginId),
    end: async (loginId) => {
      await orStoreUnavailable(endLogin(redis, key, { loginId, keepMs, channel }));
      add(loginId);
    },
    onEnd: (listener) => void listeners.push(listener),
    start: () => {
      subscriber.on('message', onMessage);
      subscriber.on('ready', subscribe);
      redis.on('ready', lookAtAll);
      if (subscriber.status === 'ready') subscribe();
      if (redis.status === 'ready') lookAtAll();
      timer = setInterval(() => {
        if (redis.status === 'ready') void look();
      }, LOOK_EVERY_MS);
      return new Promise((resolve) => {
        if (known) resolve();
        else waiting.push(resolve);
      });
    },
    stop: () => {
      clearInterval(timer);
      subscriber.off('message', onMessage);
      subscriber.off('ready', subscribe);
      redis.off('ready', lookAtAll);
    },
  };
}
