import type { Redis } from 'ioredis';
import { orStoreUnavailable } from '../../adapters/redis/connect-redis.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';

/** Someone waits for a request's terminal state. */
export interface Watch {
  /** Resolves with true when there may be news since the last call, with false once there is no more use in waiting. */
  news(): Promise<boolean>;
  close(): void;
}

export interface AnswerWaiter {
  /**
   * Listens for what becomes of a request; to be called before the request is published, so that nothing is missed.
   * One SUBSCRIBE on the shared connection, and one UNSUBSCRIBE with the last watch of the request.
   * @param signal ends the waiting
   * @throws StoreUnavailableError
   */
  watch(requestId: string, signal: AbortSignal): Promise<Watch>;
  /** Ends every watch's waiting. */
  stop(): void;
}

interface Channel {
  subscribed: Promise<unknown>;
  listeners: Set<() => void>;
}

/**
 * Waits for notices of settled requests, whichever replica settles them. A notice may be missed while the connection is
 * lost, so its return counts as news for all.
 * @param subscriber a connection for this alone: one that has subscribed can do nothing else
 */
export function createAnswerWaiter(subscriber: Redis): AnswerWaiter {
  const channels = new Map<string, Channel>();
  const stopped = new AbortController();

  subscriber.on('message', (name: string) => {
    for (const notify of channels.get(name)?.listeners ?? []) notify();
  });
  subscriber.on('ready', () => {
    for (const { listeners } of channels.values()) for (const notify of listeners) notify();
  });

  function listen(name: string, listener: () => void): Channel {
    let channel = channels.get(name);
    if (!channel) {
      channel = { subscribed: orStoreUnavailable(subscriber.subscribe(name)), listeners: new Set() };
      channels.set(name, channel);
    }
    channel.listeners.add(listener);
    return channel;
  }

  function leave(name: string, listener: () => void): void {
    const channel = channels.get(name);
    if (!channel?.listeners.delete(listener) || channel.listeners.size > 0) return;
    channels.delete(name);
    // Without a connection there is nothing to unsubscribe from.
    subscriber.unsubscribe(name).catch(() => {});
  }

  return {
    watch: async (requestId, signal) => {
      const name = redisKeys.settled(requestId);
      const ended = AbortSignal.any([signal, stopped.signal]);
      let pending = false;
      let wake = () => {};
      const notify = () => {
        pending = true;
        wake();
      };
      const channel = listen(name, notify);
      const close = () => leave(name, notify);
      try {
        await channel.subscribed;
      } catch (error) {
        close();
        throw error;
      }
      ended.addEventListener('abort', () => wake(), { once: true });
      return {
        news: async () => {
          if (!pending && !ended.aborted) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          const had = pending;
          pending = false;
          return had && !ended.aborted;
        },
        close,
      };
    },
    stop: () => stopped.abort(),
  };
}
