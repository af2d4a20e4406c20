import { once } from 'node:events';
import type { Logger } from 'pino';
import { StoreUnavailableError } from '../../contracts/errors.ts';
import { orStoreUnavailable } from './connect-redis.ts';
import { type Fence, fencesOf } from './fences.ts';
import type { Redis } from './redis.ts';

const LOOK_AGAIN_MS = 1_000;

/** Where a write must be, beside the primary's memory, before it counts as made. */
export interface Safety {
  /** Whether it must be on the primary's disk: Redis 7.2 or Valkey. If it must also be on replicas, it must be on their disks. */
  fsync: boolean;
  /** On how many replicas it must be. */
  replicas: number;
}

/**
 * Writes that count as made only once they are safe. They are made on `redis`. All other commands on this connection also
 * wait.
 */
export interface SafeWrites {
  readonly redis: Redis;
  /** Why writes were not safe in time at the last look. undefined: they were. While there is a problem, nothing is written. */
  readonly problem: string | undefined;
  /**
   * Makes writes on `redis`, and returns their result once they are safe.
   * @throws StoreUnavailableError they may not be safe. They may have been made, and can be made again
   */
  make<T>(write: () => Promise<T>): Promise<T>;
}

/**
 * Watches over one connection of its own. It is in one of two states:
 * - *safe*: each write is followed by a wait (WAIT or WAITAOF). Writes that are made while a wait goes on share the next one.
 * - *in trouble*: a wait has ended in vain. No write is made. A wait each second finds out when writes are safe again.
 *
 * In a Redis Cluster, each wait is for all primaries, because a write may be on any of them. So none is made while one of them
 * is being replaced.
 * @param options.redis whatever is written on it may wait for `timeoutMs`
 * @param options.onSafe hears at each look whether writes are safe
 */
export function createSafeWrites(
  options: Safety & { redis: Redis; timeoutMs: number; onSafe?: (safe: boolean) => void; logger: Logger },
): SafeWrites {
  const { redis, fsync, replicas, timeoutMs, onSafe = () => {}, logger } = options;
  let problem: string | undefined;
  /** The wait that goes on, and the one that begins after it. */
  let waiting: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  /** Only while there is a problem. */
  let looking: NodeJS.Timeout | undefined;

  function untilSafe(): Promise<void> {
    next ??= waiting
      .catch(() => {})
      .then(() => {
        next = undefined;
        waiting = orStoreUnavailable(look());
        return waiting;
      });
    return next;
  }

  async function look(): Promise<void> {
    const found = await problemOfWrites();
    if (found !== undefined && problem === undefined) {
      logger.warn({ reason: found }, 'Redis does not keep writes safely');
      looking = setInterval(() => {
        if (redis.status === 'ready') untilSafe().catch(() => {});
      }, LOOK_AGAIN_MS).unref();
    }
    if (found === undefined && problem !== undefined) {
      logger.info('Redis keeps writes safely again');
      clearInterval(looking);
    }
    problem = found;
    onSafe(found === undefined);
    if (found !== undefined) throw new StoreUnavailableError(found);
  }

  /**
   * A wait covers what its connection has written. But a write that is repeated on another connection may find that there is
   * nothing left to do. So each wait follows a write of ours, which comes after all of them.
   */
  async function problemOfWrites(): Promise<string | undefined> {
    const problems = await Promise.all(mustHaveFences().map(problemAt));
    return problems.find((found) => found !== undefined);
  }

  async function problemAt({ node, key }: Fence): Promise<string | undefined> {
    const written = node.set(key, '');
    const waited = fsync
      ? node.call('WAITAOF', 1, replicas, timeoutMs)
      : node.call('WAIT', replicas, timeoutMs).then((copies) => [1, copies]);
    const [, counts] = await Promise.all([written, waited]);
    const [disk, copies] = counts as [number, number];
    if (disk < 1) return 'Redis did not write to its disk in time.';
    return copies < replicas ? `Redis has ${copies} of the ${replicas} replicas that must have each write.` : undefined;
  }

  function mustHaveFences(): Fence[] {
    const fences = fencesOf(redis);
    if (!fences) throw new StoreUnavailableError('A primary of the Redis Cluster is being replaced.');
    return fences;
  }

  /** The connections that writes go over. In a Redis Cluster, each is opened when it is first used: before the write, not by it. */
  async function connections(): Promise<Map<Fence['node'], unknown>> {
    const nodes = mustHaveFences().map(({ node }) => node);
    await orStoreUnavailable(Promise.all(nodes.map((node) => (node.status === 'ready' ? undefined : node.ping()))));
    return new Map(nodes.map((node) => [node, node.stream]));
  }

  async function untilReady(): Promise<void> {
    if (problem !== undefined) throw new StoreUnavailableError(problem);
    if (redis.status === 'ready') return;
    if (!redis.options.enableOfflineQueue) throw new StoreUnavailableError('There is no connection to Redis.');
    await orStoreUnavailable(once(redis, 'ready'));
  }

  // So it is known that replicas are missing before somebody writes.
  if (replicas > 0) redis.on('ready', () => void untilSafe().catch(() => {}));
  redis.on('end', () => clearInterval(looking));

  return {
    redis,
    get problem() {
      return problem;
    },
    make: async (write) => {
      await untilReady();
      const before = await connections();
      const result = await write();
      await untilSafe();
      // After a reconnect, or if a primary was replaced, the replies of Redis are not about our writes.
      const nodes = fencesOf(redis)?.map(({ node }) => node) ?? [];
      if (nodes.length !== before.size || nodes.some((node) => before.get(node) !== node.stream))
        throw new StoreUnavailableError('Redis was lost before it had written safely.');
      return result;
    },
  };
}
