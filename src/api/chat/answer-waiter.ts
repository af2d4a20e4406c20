import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { channelOf } from '../../adapters/redis/channels.ts';
import { orStoreUnavailable } from '../../adapters/redis/connect-redis.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { StoreUnavailableError } from '../../contracts/errors.ts';
import { SETTLED_CHANNEL } from '../../contracts/redis-keys.ts';

/** Somebody waits for a request's terminal state, until the watch is closed. */
export interface Watch {
  /**
   * Resolves when there may be news since the last call: with the terminal state if this process has written it down, with
   * `look` if the caller must read the turn, with undefined once the time is over or the watch is closed.
   */
  news(): Promise<ChatResponse | 'look' | undefined>;
  close(): void;
}

export interface AnswerWaiter {
  /**
   * Listens for the end of a request. Call it before the request is published, so that nothing is missed. It costs no round
   * trip.
   * @param waitMs how long to wait at most
   * @throws StoreUnavailableError
   */
  watch(requestId: string, waitMs: number): Promise<Watch>;
  /** This process has written a terminal state down, or found that there is one. */
  settled(requestId: string, news: ChatResponse | 'look'): void;
  /** Closes every watch. */
  stop(): void;
}

const RETRY_MS = 1_000;

/**
 * Tells those who wait for a request when it has ended. The replica that writes a terminal state down publishes a notice, and
 * every replica hears every notice: that costs less than a subscription for each request. A notice may be missed while the
 * connection is lost, so when the connection is back, everybody who waits looks again. A process ignores its own notices,
 * because it is told directly.
 *
 * A watch is *open* until its time is over, its caller closes it, or the process stops. Then it is *closed* for good.
 * @param options.subscriber a connection in subscriber mode, which can do nothing else
 * @param options.replica what this process is called in its own notices
 * @param options.onSettled called for each request that has ended, whichever replica has written it down
 */
export function createAnswerWaiter(options: {
  subscriber: Redis;
  replica: string;
  onSettled?: (requestId: string) => void;
}): AnswerWaiter {
  const { subscriber, replica, onSettled = () => {} } = options;
  const watches = new Map<string, Set<OpenWatch>>();
  let subscribed: Promise<void> | undefined;
  let stopped = false;

  const notices = channelOf(subscriber, SETTLED_CHANNEL);
  const subscribe = async () => {
    await orStoreUnavailable(subscriber.subscribe(notices));
    for (const watch of all()) watch.tell('look');
  };
  const onReady = () => {
    const subscribing = subscribe();
    subscribed = subscribing;
    subscribing.catch(async () => {
      await sleep(RETRY_MS, undefined, { ref: false });
      if (subscribed === subscribing) onReady();
    });
  };
  subscriber.on('message', (channel: string, notice: string) => {
    const space = notice.indexOf(' ');
    if (channel === notices && notice.slice(0, space) !== replica) tell(notice.slice(space + 1), 'look');
  });
  subscriber.on('ready', onReady);
  subscriber.on('close', () => {
    subscribed = undefined;
  });
  if (subscriber.status === 'ready') onReady();

  function tell(requestId: string, news: ChatResponse | 'look'): void {
    onSettled(requestId);
    for (const watch of watches.get(requestId) ?? []) watch.tell(news);
  }

  const all = () => [...watches.values()].flatMap((ofRequest) => [...ofRequest]);

  function forget(requestId: string, watch: OpenWatch): void {
    const ofRequest = watches.get(requestId);
    if (ofRequest?.delete(watch) && ofRequest.size === 0) watches.delete(requestId);
  }

  return {
    watch: async (requestId, waitMs) => {
      if (!subscribed) throw new StoreUnavailableError('Redis cannot be reached.');
      await subscribed;
      const watch: OpenWatch = openWatch(stopped ? 0 : waitMs, () => forget(requestId, watch));
      const ofRequest = watches.get(requestId) ?? new Set();
      watches.set(requestId, ofRequest.add(watch));
      return watch;
    },
    settled: tell,
    stop: () => {
      stopped = true;
      for (const watch of all()) watch.close();
    },
  };
}

interface OpenWatch extends Watch {
  tell(news: ChatResponse | 'look'): void;
}

function openWatch(waitMs: number, onClose: () => void): OpenWatch {
  let told: ChatResponse | 'look' | undefined;
  let open = waitMs > 0;
  let wake = () => {};
  const close = () => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    onClose();
    wake();
  };
  const timer = open ? setTimeout(close, waitMs).unref() : undefined;

  return {
    tell: (news) => {
      told = news;
      wake();
    },
    news: async () => {
      if (!told && open) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const news = open ? told : undefined;
      told = undefined;
      return news;
    },
    close,
  };
}
