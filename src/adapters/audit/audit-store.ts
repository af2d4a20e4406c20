import type { AuditRecord } from '../../contracts/audit.ts';

/** The last entry of the trail. `number` 0: there is none yet. */
export interface Head {
  number: number;
  hash: string;
}

/** An entry as it is chained to the one before. Its JSON is what a store keeps and what is exported. */
export interface AuditEntry extends AuditRecord {
  /** 1 for the first. */
  number: number;
  /** The hash of the entry before; 64 zeros for the first. */
  previous: string;
  /** SHA-256, in hex, of the entry's JSON without `hash` and `seal`. */
  hash: string;
  /** HMAC-SHA256 of the hash, in base64url, with a key of AUDIT_KEYS. Left out: none was set. */
  seal?: string;
}

/** An entry as a store keeps it: `text` is its JSON, byte for byte. */
export interface StoredEntry extends Head {
  text: string;
}

/** Where the entries are kept. Every method rejects with StoreUnavailableError if the store is out of reach. */
export interface AuditStore {
  head(): Promise<Head>;
  /**
   * Adds entries in their order, if `after` is the last entry. Otherwise another process was faster.
   * @param entries their numbers follow that of `after`
   * @returns how many were added, counted from the first, and which entry is the last now
   */
  append(after: Head, entries: readonly StoredEntry[]): Promise<{ added: number; head: Head }>;
  /** Gives the texts of all entries from this number on, in order. */
  read(from: number): AsyncIterable<{ number: number; text: string }>;
  /** Removes the entries before this number. */
  removeBefore(number: number): Promise<void>;
}
