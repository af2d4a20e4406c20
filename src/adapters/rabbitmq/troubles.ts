import type { Logger } from 'pino';

/**
 * What does not work although the connection exists, for each part. Each trouble is logged once, and again every
 * minute.
 */
export interface Troubles {
  readonly any: boolean;
  /** @param lastsMs for a trouble that nothing clears: it ends after this time, unless it is reported again */
  report(part: string, trouble: string, lastsMs?: number): void;
  /** The part works. */
  clear(part: string): void;
  clearAll(): void;
}

const SAY_AGAIN_MS = 60_000;

export function createTroubles(options: { connection: string; logger: Logger }): Troubles {
  const { connection, logger } = options;
  const until = new Map<string, number>();
  const said = new Map<string, { trouble: string; at: number }>();
  return {
    get any() {
      const now = performance.now();
      return [...until.values()].some((end) => end > now);
    },
    report: (part, trouble, lastsMs = Number.POSITIVE_INFINITY) => {
      const now = performance.now();
      until.set(part, now + lastsMs);
      const last = said.get(part);
      if (last?.trouble === trouble && now - last.at < SAY_AGAIN_MS) return;
      said.set(part, { trouble, at: now });
      logger.error({ connection, part }, trouble);
    },
    clear: (part) => {
      until.delete(part);
      said.delete(part);
    },
    clearAll: () => until.clear(),
  };
}
