import type { Trace } from '../../contracts/erasures.ts';
import type { DataOf, KindOfData } from '../../contracts/kept-data.ts';

/** Whose data is meant, and what is known of where it may be. */
export type Scope = DataOf & { traces: () => AsyncIterable<Trace> };

/** Gives what is kept, one thing after the other, as its user may have it: the texts are open, and secrets are only named. */
export type ExportKind = (scope: Scope) => AsyncIterable<object>;

/** Notes where more may be found, and how much of some kinds there was at least. Noting it again changes nothing. */
export type NoteFound = (traces: readonly Trace[], had?: Counts) => Promise<void>;

export type Counts = Partial<Record<KindOfData, number>>;

/**
 * Some kinds of data (K) that are counted, erased and exported together, because they are in one place. Every method can be
 * repeated without harm, and rejects with a HealifyError while a server is away.
 */
export interface DataGroup<K extends KindOfData = never> {
  /** How each of its kinds is exported, for a whole user. The group has exactly these kinds. */
  export: Readonly<Record<K, ExportKind>>;
  /**
   * When a try counts what is there, besides at its end: before it changes anything, or once it has gathered traces, by which more is
   * found, or both.
   */
  counted: 'before' | 'traced' | 'both';
  /** Counts what is there. A kind that is left out has none. */
  count(scope: Scope): Promise<Counts>;
  /** Gives what leads to the rest of a user's data, and changes nothing. Left out: nothing does. */
  trace?(scope: Scope): AsyncIterable<Trace>;
  /**
   * Hides the data from everybody, stops the work on it, and notes what leads to the rest of it, and how much there was at least of
   * what it has erased with that. Left out: nothing does.
   */
  gather?(scope: Scope, note: NoteFound): Promise<void>;
  /** Erases what is there. What a worker has in hand stays until the worker has given it up. */
  erase(scope: Scope): Promise<void>;
}

export const kindsOf = (group: DataGroup): KindOfData[] => Object.keys(group.export) as KindOfData[];

/** The key of a user's texts is no part of a group: it goes last, once everything else is gone. */
export type GroupedKind = Exclude<KindOfData, 'data_key'>;

type KindIn<G extends DataGroup> = G extends unknown ? keyof G['export'] : never;

/** All groups, in the order in which they are erased. This does not compile if a kind is in none of them. */
export const completeGroups = <G extends DataGroup>(
  groups: readonly G[],
  ..._forgotten: Exclude<GroupedKind, KindIn<G>> extends never ? [] : [forgotten: Exclude<GroupedKind, KindIn<G>>]
): readonly DataGroup[] => groups;

/** Where what is kept of somebody may be found, as all groups know it now. */
export async function* tracesOf(groups: readonly DataGroup[], of: DataOf): AsyncGenerator<Trace> {
  for (const group of groups) {
    for await (const trace of group.trace?.({ ...of, traces: none }) ?? none())
      if (of.sessionId === undefined || trace.sessionId === of.sessionId) yield trace;
  }
}

async function* none(): AsyncGenerator<never> {}
