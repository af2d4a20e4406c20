import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { SweepName } from '../../contracts/retention.ts';
import { NEVER_SWEPT, type SweepRecord } from '../../contracts/sweeps.ts';
import { closeInTime } from '../rabbitmq/close-in-time.ts';
import type { SweepRecords } from './sweep-records.ts';

/** How late something may be removed, give or take. */
const EVERY_MS = 60_000;
/** If the process that sweeps dies, another one goes on after this time. No single sweep should take longer. */
const LEASE_MS = 300_000;

/**
 * Removes what is too old. Gives how much that was; undefined: it could not look now, and does so in the next minute. It may be
 * interrupted at any moment, and made again.
 */
export type Sweep = () => Promise<number | undefined>;

/**
 * Makes all sweeps once a minute, in one process for all. It is in one of these states:
 * - *resting*: until the next minute begins.
 * - *asking*: whether another process has the sweeping. Then it rests.
 * - *sweeping*: one sweep after the other. One that fails is made again in the next minute; the others go on.
 * - *stopped*: a sweep that is under way ends.
 *
 * A process that has swept keeps the sweeping until just before its next minute, so that others do not sweep in between.
 * @param options.onSwept hears how much each sweep removed
 */
export function createSweeper(options: {
  records: SweepRecords;
  sweeps: Partial<Record<SweepName, Sweep>>;
  onSwept?: (sweep: SweepName, removed: number) => void;
  logger: Logger;
  everyMs?: number;
  leaseMs?: number;
}): { start(): void; stop(): Promise<void> } {
  const { records, sweeps, onSwept = () => {}, logger, everyMs = EVERY_MS, leaseMs = LEASE_MS } = options;
  const id = randomUUID();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();

  async function sweepAll(): Promise<void> {
    const startedAt = performance.now();
    if (!(await records.take(id, leaseMs))) return;
    const before = await records.read();
    for (const [name, sweep] of Object.entries(sweeps) as [SweepName, Sweep][]) {
      if (stopped) break;
      await records.write(name, await make(name, sweep, before[name] ?? NEVER_SWEPT));
      await records.keep(id, leaseMs);
    }
    await records.keep(id, startedAt + 0.9 * everyMs - performance.now());
  }

  async function make(name: SweepName, sweep: Sweep, before: SweepRecord): Promise<SweepRecord> {
    try {
      const removed = await sweep();
      if (removed === undefined) return before;
      const now = new Date().toISOString();
      if (removed > 0) logger.debug({ sweep: name, removed }, 'removed what was too old');
      onSwept(name, removed);
      return {
        ...{ doneAt: now, removed, failingSince: null, total: before.total + removed },
        lastRemovedAt: removed > 0 ? now : before.lastRemovedAt,
      };
    } catch (error) {
      const text = 'what is too old could not be removed; trying again in a minute';
      logger[before.failingSince === null ? 'warn' : 'debug']({ sweep: name, err: error }, text);
      return { ...before, failingSince: before.failingSince ?? new Date().toISOString() };
    }
  }

  function begin(): void {
    // While Redis is away, nobody sweeps, and everybody knows.
    running = sweepAll()
      .catch((error: unknown) => logger.debug({ err: error }, 'could not sweep; trying again in a minute'))
      .then(() => {
        if (!stopped) timer = setTimeout(begin, everyMs).unref();
      });
  }

  return {
    start: () => {
      if (!stopped) begin();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await closeInTime(running);
    },
  };
}
