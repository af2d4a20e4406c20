/**
 * The places of a worker: how many jobs it may have in hand at once. Each place has one of three states:
 * - *free*
 * - *reserved*: jobs were asked for, and one may come for this place.
 * - *occupied*: a job is in hand.
 *
 *     free ── reserve ──> reserved ── release ──> free
 *     free ── occupy ──> occupied ── vacate ──> free
 *
 * A caller that has reserved places occupies one for each job that comes, and then releases all that it reserved. Both
 * happen in the same turn of the event loop, so nobody sees a job counted twice.
 *
 * All places together are *unopened* at first, then *open*, and finally *closed*. Only open places can be reserved.
 */
export interface Places {
  readonly state: 'unopened' | 'open' | 'closed';
  /** How many places there are, in any state. */
  readonly count: number;
  /** How many can be reserved now. */
  readonly free: number;
  open(): void;
  close(): void;
  /** Reserves free places. @returns how many: no more than were asked for or are free */
  reserve(atMost: number): number;
  release(count: number): void;
  occupy(): void;
  vacate(): void;
  /** Resolves as soon as a place becomes free, or the places are closed. */
  untilChanged(): Promise<void>;
  /** Resolves once no place is reserved or occupied. */
  untilUnused(): Promise<void>;
}

export function createPlaces(count: number): Places {
  let state: Places['state'] = 'unopened';
  let reserved = 0;
  let occupied = 0;
  let waiting: (() => void)[] = [];

  const free = () => (state === 'open' ? Math.max(0, count - occupied - reserved) : 0);
  const untilChanged = () => new Promise<void>((resolve) => waiting.push(resolve));

  function changed(): void {
    if (waiting.length === 0) return;
    const told = waiting;
    waiting = [];
    for (const goOn of told) goOn();
  }

  return {
    get state() {
      return state;
    },
    count,
    get free() {
      return free();
    },
    open: () => {
      state = 'open';
    },
    close: () => {
      state = 'closed';
      changed();
    },
    reserve: (atMost) => {
      const taken = Math.min(atMost, free());
      reserved += taken;
      return taken;
    },
    release: (released) => {
      reserved -= released;
      changed();
    },
    occupy: () => {
      occupied += 1;
    },
    vacate: () => {
      occupied -= 1;
      changed();
    },
    untilChanged,
    untilUnused: async () => {
      while (occupied + reserved > 0) await untilChanged();
    },
  };
}
