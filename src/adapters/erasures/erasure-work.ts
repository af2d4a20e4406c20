import type { Trace } from '../../contracts/erasures.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';

/** What is left elsewhere is gone by then: nothing that a trace leads to is kept longer. */
const TRACES_MS = 30 * 24 * 3_600_000;
const READ_TOGETHER = 20;

/** What the processes that work on an erasure share. All methods reject with StoreUnavailableError. */
export interface ErasureWork {
  /** Takes the work on an erasure for some time, or for some more time. Returns false if another process has it. */
  take(erasureId: string, by: string, forMs: number): Promise<boolean>;
  leave(erasureId: string, by: string): Promise<void>;
  /** Notes where something of the erased data may be left. */
  addTraces(erasureId: string, traces: readonly Trace[]): Promise<void>;
  /** Gives what was noted in the last 30 days. A trace may come twice. */
  traces(erasureId: string): AsyncIterable<Trace>;
}

export function createErasureWork({ redis }: { redis: Redis }): ErasureWork {
  async function take(erasureId: string, by: string, forMs: number): Promise<boolean> {
    const key = redisKeys.erasureLease(erasureId);
    if (await redis.set(key, by, 'PX', forMs, 'NX')) return true;
    if ((await redis.get(key)) !== by) return false;
    // If the lease has expired in between, somebody else may take it too. Every step can be repeated without harm.
    await redis.pexpire(key, forMs);
    return true;
  }

  async function leave(erasureId: string, by: string): Promise<void> {
    const key = redisKeys.erasureLease(erasureId);
    if ((await redis.get(key)) === by) await redis.del(key);
  }

  async function addTraces(erasureId: string, traces: readonly Trace[]): Promise<void> {
    if (traces.length === 0) return;
    const key = redisKeys.erasureTraces(erasureId);
    await redis.rpush(key, ...traces.map((trace) => JSON.stringify(trace)));
    await redis.pexpire(key, TRACES_MS);
  }

  return {
    take: (erasureId, by, forMs) => orStoreUnavailable(take(erasureId, by, forMs)),
    leave: (erasureId, by) => orStoreUnavailable(leave(erasureId, by)),
    addTraces: (erasureId, traces) => orStoreUnavailable(addTraces(erasureId, traces)),
    traces: async function* (erasureId) {
      const key = redisKeys.erasureTraces(erasureId);
      for (let first = 0; ; first += READ_TOGETHER) {
        const texts = await orStoreUnavailable(redis.lrange(key, first, first + READ_TOGETHER - 1));
        for (const text of texts) yield JSON.parse(text) as Trace;
        if (texts.length < READ_TOGETHER) return;
      }
    },
  };
}
