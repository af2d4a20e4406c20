import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { channelOf } from '../../adapters/redis/channels.ts';
import { orStoreUnavailable } from '../../adapters/redis/connect-redis.ts';
import { defineScript, SERVER_TIME } from '../../adapters/redis/define-script.ts';
import { LOGIN_ENDED_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';

const LOOK_EVERY_MS = 1_000;
/** A look also takes what was written shortly before the last one, by a server whose clock is behind. */
const OVERLAP_MS = 10_000;

/**
 * The logins that have ended while their access tokens are still unexpired. Every api process knows all of them, so that
 * refusing a token costs no round trip: it is told of each (pub/sub), and looks once a second for those that it was not
 * told of.
 */
export interface EndedLogins {
  has(loginId: string): boolean;
  /** Ends a login for every process. @throws StoreUnavailableError */
  end(loginId: string): Promise<void>;
  /** Resolves once it is known which logins have ended: before that, no token can be trusted. */
  start(): Promise<void>;
  stop(): void;
}

/** KEYS: the ended logins. ARGV: a login, for how many ms it is kept, the channel. */
const endScript = defineScript(`${SERVER_TIME}redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[1])
`);

/**
 * @param options.keepMs how long an access token can outlive its login
 * @param options.subscriber a connection for pub/sub, which others may use as well
 */
export function createEndedLogins(options: {
  redis: Redis;
  subscriber: Redis;
  keepMs: number;
  logger: Logger;
}): EndedLogins {
  const { redis, subscriber, keepMs, logger } = options;
  /** By id, until when they matter, on the clock of this process. */
  const ended = new Map<string, number>();
  /** When the latest one that a look has found ended, ms, on the server's clock. */
  let latest = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  /** Whether a look has succeeded, and who is to be told of the first that does. */
  let known = false;
  const waiting: (() => void)[] = [];

  function add(loginId: string): void {
    // Last in the map's order, which forgetting goes by.
    ended.delete(loginId);
    ended.set(loginId, performance.now() + keepMs);
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
      const found = await redis.zrangebyscore(redisKeys.endedLogins(), latest - OVERLAP_MS, '+inf', 'WITHSCORES');
      for (let i = 0; i < found.length; i += 2) {
        const [loginId, at] = [found[i]!, Number(found[i + 1])];
        if (!ended.has(loginId)) add(loginId);
        latest = Math.max(latest, at);
      }
      known = true;
      for (const tell of waiting.splice(0)) tell();
    } catch (error) {
      // The next look takes all: after a failover the server's clock may be another.
      latest = Number.NEGATIVE_INFINITY;
      logger[known ? 'debug' : 'warn']({ err: error }, 'ended logins could not be read');
    }
  }

  function lookAtAll(): void {
    latest = Number.NEGATIVE_INFINITY;
    void look();
  }
  const notices = channelOf(redis, LOGIN_ENDED_CHANNEL);
  const subscribe = () => void subscriber.subscribe(notices).catch(() => {});
  const onMessage = (channel: string, loginId: string) => {
    if (channel === notices) add(loginId);
  };

  return {
    has: (loginId) => ended.has(loginId),
    end: async (loginId) => {
      await orStoreUnavailable(endScript(redis, [redisKeys.endedLogins()], [loginId, keepMs, notices]));
      add(loginId);
    },
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
