import { hashSlotOf } from '../../contracts/hash-slot.ts';
import type { Redis } from './redis.ts';

/**
 * Runs a script for many items. On one server that is one call. In a Redis Cluster it is one call for all items whose keys share
 * a slot. All calls are sent at once.
 * @param keyOf returns a key of the item; its other keys share the slot
 * @param run returns a result for each item, in order
 * @returns the results, in the order of the items. If a call fails, those of its items reject
 */
export function inSlotGroups<Item, Result>(
  redis: Redis,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  run: (group: Item[]) => Promise<Result[]>,
): Promise<Result>[] {
  const groups = new Map<number, Item[]>();
  const places = items.map((item) => {
    const slot = redis.isCluster ? hashSlotOf(keyOf(item)) : 0;
    const group = groups.get(slot) ?? [];
    groups.set(slot, group);
    return { slot, index: group.push(item) - 1 };
  });
  const results = new Map([...groups].map(([slot, group]) => [slot, run(group)]));
  return places.map(async ({ slot, index }) => (await results.get(slot)!)[index]!);
}
