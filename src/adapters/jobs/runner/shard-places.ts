import type { Places } from './places.ts';

/**
 * The places of a worker, as one shard of the jobs sees them. All shards share them.
 *
 * A shard is *content* or *hungry*:
 *
 *     content ── its line had as many jobs as there was room for, or there was no room to look ──> hungry
 *     hungry ── its line had fewer ──> content
 *
 * While only one shard is hungry, it may have every free place. While several are, each may have an equal part of all places;
 * of those that are left over, one goes to the shard that was given a place longest ago. A shard that has more does not fill its
 * places again when their jobs end, so the others soon have their part.
 */
export interface ShardPlaces
  extends Pick<Places, 'state' | 'count' | 'free' | 'reserve' | 'release' | 'occupy' | 'vacate' | 'untilChanged'> {
  readonly state: Places['state'];
  /** How many this shard can reserve now. */
  readonly free: number;
  readonly isHungry: boolean;
  /** Returns how many of its places this shard may fill again, if so many jobs end. */
  refillable(ended: number): number;
  /** Tells whether the line may have had more jobs. Places must be released afterwards: others may wait for that. */
  learn(line: 'had all' | 'may have more'): void;
}

export function sharePlaces(places: Places, shards: number): ShardPlaces[] {
  /** `used`: reserved or occupied. `servedAt`: in which turn it was last given a place. */
  const all = Array.from({ length: shards }, () => ({ used: 0, servedAt: 0, isHungry: false }));
  /** So many are reserved at a time at most, in case the server of a shard does not answer. */
  const mostReserved = shards === 1 ? places.count : Math.ceil(places.count / shards);
  let turn = 0;

  /** How many more places a shard may have, if it has `used` now and there are enough free ones. */
  function allowed(shard: (typeof all)[number], used: number): number {
    const others = all.filter((other) => other !== shard && other.isHungry);
    if (others.length === 0) return Number.POSITIVE_INFINITY;
    const part = Math.floor(places.count / (others.length + 1));
    const whole = Math.max(0, part - used);
    const isNext = others.every((other) => {
      const difference = used + whole - other.used;
      return difference < 0 || (difference === 0 && shard.servedAt <= other.servedAt);
    });
    return whole + (isNext ? 1 : 0);
  }

  return all.map((shard) => ({
    get state() {
      return places.state;
    },
    count: places.count,
    get free() {
      return Math.min(places.free, allowed(shard, shard.used));
    },
    get isHungry() {
      return shard.isHungry;
    },
    reserve: (atMost) => {
      const reserved = places.reserve(Math.min(atMost, mostReserved, allowed(shard, shard.used)));
      shard.used += reserved;
      if (reserved > 0) shard.servedAt = ++turn;
      return reserved;
    },
    release: (released) => {
      shard.used -= released;
      places.release(released);
    },
    occupy: () => {
      shard.used += 1;
      places.occupy();
    },
    vacate: () => {
      shard.used -= 1;
      places.vacate();
    },
    refillable: (ended) => {
      if (places.state !== 'open') return 0;
      const refilled = Math.min(ended, allowed(shard, shard.used - ended));
      if (refilled > 0) shard.servedAt = ++turn;
      return refilled;
    },
    learn: (line) => {
      shard.isHungry = line === 'may have more';
    },
    untilChanged: places.untilChanged,
  }));
}
