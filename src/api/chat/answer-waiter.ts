import type { Redis } from 'ioredis';
import { orStoreUnavailable } from '../../adapters/redis/connect-redis.ts';
import { StoreUnavailableError } from '../../contracts/errors.ts';
import { SETTLED_CHANNEL } from '../../contracts/redis-keys.ts';

/** Someone waits for a request's terminal state, until it is closed. */
export interface Watch {
  /** Resolves with true when there may be news since the last call, with false once there is no more use in waiting. */
  news(): Promise<boolean>;
  close(): void;
}

export interface AnswerWaiter {
  /**
   * Listens for what becomes of a request; to be called before the request is published, so that nothing is missed.
   * Costs no round trip.
   * @param waitMs how long
   * @throws StoreUnavailableError
   */
  watch(requestId: string, waitMs: number): Promise<Watch>;
  /** Ends every watch's waiting. */
  stop(): void;
}

/**
 * Waits for notices of settled requests, whichever replica settles them: all replicas hear all of them, which costs less
 * than to subscribe for each request. A notice may be missed while the connection is lost, so its return counts as news
 * for all.
 * @param subscriber a connection for this alone: one that has subscribed can do nothing else
 */
export function createAnswerWaiter(subscriber: Redis): AnswerWaiter {
  const watches = new Map<string, Set<OpenWatch>>();
  let subscribed: Promise<void> | undefined;
  let stopped = false;

  const subscribe = async () => {
    await orStoreUnavailable(subscriber.subscribe(SETTLED_CHANNEL));
    for (const watch of all()) watch.tell();
  };
  const onReady = () => {
    subscribed = subscribe();
    subscribed.catch(() => {});
  };
  subscriber.on('message', (channel: string, requestId: string) => {
    if (channel === SETTLED_CHANNEL) for (const watch of watches.get(requestId) ?? []) watch.tell();
  });
  subscriber.on('ready', onReady);
  subscriber.on('close', () => {
    subscribed = undefined;
  });
  if (subscriber.status === 'ready') onReady();

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
    stop: () => {
      stopped = true;
      for (const watch of all()) watch.close();
    },
  };
}

interface OpenWatch extends Watch {
  /** There may be news. */
  tell(): void;
}

function openWatch(waitMs: number, onClose: () => void): OpenWatch {
  let told = false;
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
    tell: () => {
      told = true;
      wake();
    },
    news: async () => {
      if (!told && open) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const news = told && open;
      told = false;
      return news;
    },
    close,
  };
}
