import type { SettledNotices } from '../../adapters/conversations/settled-notices.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';

/** Somebody waits for the end of a request, until the watch is closed. */
export interface Watch {
  /**
   * Resolves when there may be news since the last call. The result is the answer if this process has written it down;
   * `look` if the caller must read the turn; undefined once the time is over or the watch is closed.
   */
  news(): Promise<ChatResponse | 'look' | undefined>;
  close(): void;
}

/** The longest time that a timer can take: 24 days. A question ends long before that. */
export const LONGEST_WAIT_MS = 2 ** 31 - 1;

export interface AnswerWaiter {
  /**
   * Waits for the end of a request. Call it before the request is published, so that nothing is missed. It costs no
   * round trip.
   * @param waitMs how long to wait at most
   * @throws StoreUnavailableError
   */
  watch(requestId: string, waitMs: number): Promise<Watch>;
  /** This process has written an answer down, or has found one. */
  settled(requestId: string, news: ChatResponse | 'look'): void;
  /** Closes every watch. */
  stop(): void;
}

/**
 * Tells waiting clients when their requests have ended. Other replicas publish a notice for what they have written
 * down. This process calls `settled` for what it has written down itself. A notice may be missed while the connection
 * is lost. So when the connection is back, every waiting client looks again.
 *
 * A watch is *open* until its time is over, its caller closes it, or the process stops. Then it is *closed* for good.
 * @param options.onSettled called for each request that has ended, whichever replica wrote the answer down
 */
export function createAnswerWaiter(options: {
  notices: SettledNotices;
  onSettled?: (requestId: string) => void;
}): AnswerWaiter {
  const { notices, onSettled = () => {} } = options;
  const watches = new Map<string, Set<OpenWatch>>();
  let stopped = false;

  function tell(requestId: string, news: ChatResponse | 'look'): void {
    onSettled(requestId);
    for (const watch of watches.get(requestId) ?? []) watch.tell(news);
  }

  const all = () => [...watches.values()].flatMap((ofRequest) => [...ofRequest]);

  function forget(requestId: string, watch: OpenWatch): void {
    const ofRequest = watches.get(requestId);
    if (ofRequest?.delete(watch) && ofRequest.size === 0) watches.delete(requestId);
  }

  notices.listen({
    onSettled: (requestId) => tell(requestId, 'look'),
    onListening: () => {
      for (const watch of all()) watch.tell('look');
    },
  });

  return {
    watch: async (requestId, waitMs) => {
      await notices.mustArrive();
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
