import type { Cluster } from 'ioredis';
import { hashSlotOf } from '../../contracts/hash-slot.ts';
import { safeWritesKey } from '../../contracts/redis-keys.ts';
import { isCluster } from './nodes.ts';
import type { Redis, SingleRedis } from './redis.ts';

/** A server that takes writes, and a key that it has. Who has written there and waits has waited for all earlier writes. */
export interface Fence {
  node: SingleRedis;
  key: string;
}

/** With so many keys, there is hardly a slot that none of them is in. */
const MOST_KEYS = 200_000;
/** The slots of the keys, by their numbers. */
const slots: number[] = [];

/**
 * Returns a fence for each server that takes writes: one, or in a Redis Cluster one for each of its primaries that has slots.
 * undefined: one of them is not known yet. Call it when the connection is ready.
 */
export function fencesOf(redis: Redis): Fence[] | undefined {
  if (!isCluster(redis)) return [{ node: redis, key: safeWritesKey(0) }];
  const nodes = new Map(redis.nodes('master').map((node) => [`${node.options.host}:${node.options.port}`, node]));
  const left = primariesOf(redis);
  const fences: Fence[] = [];
  for (let number = 0; left.size > 0 && number < MOST_KEYS; number += 1) {
    const key = safeWritesKey(number);
    const slot = slots[number] ?? hashSlotOf(key);
    slots[number] = slot;
    const primary = redis.slots[slot]?.[0];
    if (primary === undefined || !left.delete(primary)) continue;
    const node = nodes.get(primary);
    if (!node) return undefined;
    fences.push({ node, key });
  }
  return left.size === 0 && fences.length > 0 ? fences : undefined;
}

/** Called for each batch of writes, and neighbouring slots mostly have the same primary. */
function primariesOf({ slots: servers }: Cluster): Set<string> {
  const primaries = new Set<string>();
  let last: string | undefined;
  for (const [primary] of servers) {
    if (primary !== undefined && primary !== last) primaries.add(primary);
    last = primary;
  }
  return primaries;
}
