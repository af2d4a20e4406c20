import type { Trace } from '../../contracts/erasures.ts';
import type { DataOf, KindOfData } from '../../contracts/kept-data.ts';

/** Whose data is erased, and what is known of where it may be. */
export type Scope = DataOf & { traces: () => AsyncIterable<Trace> };

/**
 * Some kinds of data that are counted and erased together, because they are in one place. Every method can be repeated without
 * harm, and rejects with a HealifyError while a server is away.
 */
export interface DataGroup {
  /** Which kinds it has. */
  kinds: readonly KindOfData[];
  /** Whether they are also found by traces, and so are counted again once traces were gathered. */
  traced: boolean;
  /** Counts what is there. A kind that is left out has none. */
  count(scope: Scope): Promise<Partial<Record<KindOfData, number>>>;
  /** Hides the data from everybody, stops the work on it, and notes what leads to the rest of it. Left out: nothing does. */
  gather?(scope: Scope, note: (traces: readonly Trace[]) => Promise<void>): Promise<void>;
  /** Erases what is there. What a worker has in hand stays until the worker has given it up. */
  erase(scope: Scope): Promise<void>;
}
