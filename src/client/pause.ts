/** Browsers tell when they lose the network and have it again. Node does not. */
export const network = globalThis as unknown as Partial<EventTarget>;

/**
 * Resolves after a time in ms; earlier if the browser was offline and is online again. Rejects with the signal's reason
 * if that is aborted first.
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const end = (settle: () => void) => () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      network.removeEventListener?.('online', onTime);
      settle();
    };
    const onTime = end(resolve);
    const onAbort = end(() => reject(signal?.reason));
    const timer = setTimeout(onTime, ms);
    signal?.addEventListener('abort', onAbort);
    network.addEventListener?.('online', onTime);
  });
}

/**
 * How long to wait before the next try, in ms. Clients that were cut off together do not come back together.
 * @param failures in a row
 */
export const backoffMs = (failures: number, random: () => number = Math.random): number =>
  Math.round((0.5 + random() / 2) * Math.min(10_000, 250 * 2 ** Math.min(failures - 1, 10)));
