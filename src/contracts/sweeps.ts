/** What became of a sweep. Times are ISO 8601. */
export interface SweepRecord {
  /** When it was last made without an error; null: never. */
  doneAt: string | null;
  /** How much it removed then. */
  removed: number;
  /** When it last removed something; null: never. */
  lastRemovedAt: string | null;
  /** How much it has removed since the first sweep. */
  total: number;
  /** Since when every try has failed; null: the last one has not. */
  failingSince: string | null;
}

export const NEVER_SWEPT: SweepRecord = {
  doneAt: null,
  removed: 0,
  lastRemovedAt: null,
  total: 0,
  failingSince: null,
};
