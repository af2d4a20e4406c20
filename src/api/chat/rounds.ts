import type { Logger } from 'pino';

/** How often we look for lost questions and unfinished erasures. It is more often if lost questions must end sooner. */
const ROUND_MS = { most: 10_000, least: 1_000 };

/**
 * Runs tasks one after the other, again and again. A task that fails is tried again in the next round. All fail while a
 * server is away.
 * @param options.deadlineGraceMs how soon after its deadline a lost question must end
 */
export function createRounds(options: {
  tasks: Record<string, () => Promise<void>>;
  deadlineGraceMs: number;
  logger: Logger;
}): { start(): void; stop(): void } {
  const { tasks, deadlineGraceMs, logger } = options;
  const everyMs = Math.min(ROUND_MS.most, Math.max(ROUND_MS.least, deadlineGraceMs));
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function round(): Promise<void> {
    for (const [task, run] of Object.entries(tasks)) {
      await run().catch((error: unknown) =>
        logger.debug({ task, err: error }, 'a task failed; trying again in the next round'),
      );
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
