import type { Logger } from 'pino';

/**
 * Runs tasks one after the other, again and again. One that fails, as all do while a server is away, is tried again with
 * the next round.
 */
export function createRounds(options: {
  tasks: Record<string, () => Promise<void>>;
  everyMs: number;
  logger: Logger;
}): { start(): void; stop(): void } {
  const { tasks, everyMs, logger } = options;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function round(): Promise<void> {
    for (const [task, run] of Object.entries(tasks)) {
      await run().catch((error: unknown) => logger.debug({ task, err: error }, 'will be tried again'));
    }
    if (!stopped) timer = setTimeout(() => void round(), everyMs).unref();
  }

  return {
    start: () => {
      timer = setTimeout(() => void round(), everyMs).unref();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
