import { SWEEPS_KEY } from '../../contracts/redis-keys.ts';
import type { SweepName } from '../../contracts/retention.ts';
import type { SweepRecord } from '../../contracts/sweeps.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';

/** What became of the sweeps, whichever api has made them, and who makes them now. All methods reject with StoreUnavailableError. */
export interface SweepRecords {
  /** What became of each sweep that was ever made. One round trip. */
  read(): Promise<Partial<Record<SweepName, SweepRecord>>>;
  write(sweep: SweepName, record: SweepRecord): Promise<void>;
  /** Takes the sweeping for a time. @returns false: another process has it */
  take(by: string, forMs: number): Promise<boolean>;
  /** Keeps it for a time from now on, if this process has it. */
  keep(by: string, forMs: number): Promise<void>;
}

export function createSweepRecords(redis: Redis): SweepRecords {
  const lease = `${SWEEPS_KEY}:lease`;

  async function read(): Promise<Partial<Record<SweepName, SweepRecord>>> {
    const texts = await redis.hgetall(SWEEPS_KEY);
    return Object.fromEntries(Object.entries(texts).map(([sweep, text]) => [sweep, JSON.parse(text) as SweepRecord]));
  }

  /** If the lease ends in between, somebody else may sweep, too. Every sweep can be made twice without harm. */
  async function keep(by: string, forMs: number): Promise<void> {
    if ((await redis.get(lease)) === by) await redis.pexpire(lease, Math.max(1, Math.round(forMs)));
  }

  return {
    read: () => orStoreUnavailable(read()),
    write: async (sweep, record) =>
      void (await orStoreUnavailable(redis.hset(SWEEPS_KEY, sweep, JSON.stringify(record)))),
    take: async (by, forMs) => (await orStoreUnavailable(redis.set(lease, by, 'PX', forMs, 'NX'))) !== null,
    keep: (by, forMs) => orStoreUnavailable(keep(by, forMs)),
  };
}
