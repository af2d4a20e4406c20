import { AUDIT_TRAIL_KEY } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { SafeWrites } from '../redis/safe-writes.ts';
import type { AuditStore, Head } from './audit-store.ts';
import { BEFORE_THE_FIRST } from './chain.ts';
import { appendEntries } from './redis-scripts/append-entries.ts';

const PAGE = 500;

/**
 * The trail in Redis: a stream, in which the id of each entry is its number. A script adds entries if nobody was faster.
 * @param options.safeWrites undefined: a failover of Redis may lose the latest entries
 */
export function createRedisAuditStore(options: { redis: Redis; safeWrites?: SafeWrites | undefined }): AuditStore {
  const { redis, safeWrites } = options;

  async function head(): Promise<Head> {
    const [last] = await redis.xrevrange(AUDIT_TRAIL_KEY, '+', '-', 'COUNT', 1);
    return last ? { number: numberOf(last[0]), hash: last[1][1]! } : BEFORE_THE_FIRST;
  }

  const append: AuditStore['append'] = async (after, entries) => {
    const add = (on: Redis) => orStoreUnavailable(appendEntries(on, AUDIT_TRAIL_KEY, after, entries));
    const { added, last } = await (safeWrites ? safeWrites.make(() => add(safeWrites.redis)) : add(redis));
    if (!added) return { added: 0, head: last };
    const { number, hash } = entries.at(-1) ?? last;
    return { added: entries.length, head: { number, hash } };
  };

  async function* read(from: number): AsyncGenerator<{ number: number; text: string }> {
    for (let next = from; ; ) {
      const page = await orStoreUnavailable(redis.xrange(AUDIT_TRAIL_KEY, `${next}-0`, '+', 'COUNT', PAGE));
      for (const [streamId, fields] of page) yield { number: numberOf(streamId), text: fields[3]! };
      if (page.length < PAGE) return;
      next = numberOf(page.at(-1)![0]) + 1;
    }
  }

  return {
    head: () => orStoreUnavailable(head()),
    append,
    read,
    removeBefore: async (number) =>
      void (await orStoreUnavailable(redis.xtrim(AUDIT_TRAIL_KEY, 'MINID', `${number}-0`))),
  };
}

const numberOf = (streamId: string) => Number.parseInt(streamId, 10);
