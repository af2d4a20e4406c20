import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ask } from './ask.ts';

export interface Polled<T> {
  /** The latest good reply; undefined until there is one. */
  data: T | undefined;
  /** Why the latest call gave nothing; undefined if it was good. */
  error: Error | undefined;
  /** When the latest good reply came, ms. */
  goodAtMs: number | undefined;
  /** Asks again at once. */
  refresh: () => void;
}

type Seen<T> = Omit<Polled<T>, 'refresh'> & { path: string };

/**
 * Asks the API again and again while the tab is visible, and at once when it becomes visible.
 * @param path undefined: asks nothing for now
 * @param everyMs the pause between a reply and the next call; undefined: asks only once
 */
export function usePolled<T>(path: string | undefined, everyMs: number | undefined): Polled<T> {
  const [seen, setSeen] = useState<Seen<T>>();
  const again = useRef<() => void>(() => {});

  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    const look = async () => {
      clearTimeout(timer);
      if (asking || document.hidden) return;
      asking = true;
      try {
        const data = await ask<T>(path, { signal: stop.signal });
        setSeen({ path, data, error: undefined, goodAtMs: Date.now() });
      } catch (error) {
        if (stop.signal.aborted) return;
        const isKnown = (before: Seen<T> | undefined) => before?.path === path;
        setSeen((before) => ({
          path,
          data: isKnown(before) ? before!.data : undefined,
          goodAtMs: isKnown(before) ? before!.goodAtMs : undefined,
          error: error as Error,
        }));
      } finally {
        asking = false;
      }
      if (everyMs !== undefined && !stop.signal.aborted) timer = setTimeout(look, everyMs);
    };
    again.current = look;
    document.addEventListener('visibilitychange', look);
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [path, everyMs]);

  const refresh = useCallback(() => again.current(), []);
  // What was seen at another address is not shown under this one.
  const current = seen?.path === path ? seen : undefined;
  return { data: current?.data, error: current?.error, goodAtMs: current?.goodAtMs, refresh };
}
