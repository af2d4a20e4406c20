import type { WrappedKey } from './master-keys.ts';

/** `destroyed`: there was a key, and nothing that it has encrypted can be read any more. */
export type StoredKey = WrappedKey | 'destroyed';

/**
 * The data keys, each wrapped by a master key, and which master keys those are. Every method can be repeated without harm, and
 * rejects with StoreUnavailableError if the store is out of reach.
 */
export interface DataKeyStore {
  /** Returns the keys of these owners; undefined for those that have none. One round trip. */
  read(owners: readonly string[]): Promise<(StoredKey | undefined)[]>;
  /**
   * Adds keys, but for owners that have one, or had one that was destroyed. Returns what each owner has then. Two round trips at
   * most.
   */
  add(keys: readonly { owner: string; key: WrappedKey }[]): Promise<StoredKey[]>;
  /** Puts a key in the place of another, if the owner still has that. Returns whether it had. */
  replace(owner: string, before: WrappedKey, after: WrappedKey): Promise<boolean>;
  /** Destroys the owner's key for ever, also if there is none yet. */
  destroy(owner: string): Promise<void>;
  /** Gives the keys of all owners, in no particular order. */
  all(): AsyncIterable<{ owner: string; key: StoredKey }>;

  /** Returns the known values that master keys have wrapped, by the id of the master key. */
  masterKeys(): Promise<Map<string, WrappedKey>>;
  /** Notes that a master key may have wrapped data keys. */
  addMasterKey(check: WrappedKey): Promise<void>;
  /** Notes that these master keys have wrapped none of the data keys. */
  removeMasterKeys(ids: readonly string[]): Promise<void>;
}
