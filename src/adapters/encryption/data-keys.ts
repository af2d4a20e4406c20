import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { inBatches } from '../../batching/in-batches.ts';
import type { DataKeyStore, StoredKey } from './data-key-store.ts';
import { KEY_BYTES } from './gcm.ts';
import type { MasterKeys } from './master-keys.ts';

const KEPT_MS = 5 * 60_000;
const MOST_KEPT = 20_000;
const READ_TOGETHER = 500;

/** A key as it is used. `destroyed`: nothing that it has encrypted can be read any more. */
export type DataKey = KeyObject | 'destroyed';

export interface DataKeys {
  /**
   * Returns the keys of these owners. Those without a key are left out, or get one with `create`. Calls at the same time share
   * their round trips.
   * @throws StoreUnavailableError, MasterKeyMissingError
   */
  get(owners: readonly string[], options: { create: boolean }): Promise<ReadonlyMap<string, DataKey>>;
  /** Forgets a key that was destroyed. Left out: forgets all. */
  forget(owner?: string): void;
}

/**
 * Fetches data keys, and keeps the 20,000 that were fetched last, each for 5 minutes. So a key that was destroyed opens
 * nothing after that, even in a process that missed the notice.
 */
export function createDataKeys(options: { store: DataKeyStore; masterKeys: MasterKeys }): DataKeys {
  const { store, masterKeys } = options;
  const kept = new Map<string, { key: DataKey; until: number }>();
  /** Goes up whenever a key is forgotten: what was read before that may be out of date. */
  let forgotten = 0;

  function keep(owner: string, key: DataKey): void {
    kept.delete(owner);
    kept.set(owner, { key, until: performance.now() + KEPT_MS });
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
  }

  function keptKey(owner: string): DataKey | undefined {
    const entry = kept.get(owner);
    return entry && entry.until > performance.now() ? entry.key : undefined;
  }

  /** Makes keys, unless another process does so at the same time. Then all have its key. */
  async function make(owners: readonly string[]): Promise<Map<string, StoredKey>> {
    if (owners.length === 0) return new Map();
    const wrap = async (owner: string) => ({ owner, key: await masterKeys.wrap(owner, randomBytes(KEY_BYTES)) });
    const stored = await store.add(await Promise.all(owners.map(wrap)));
    return new Map(owners.map((owner, index) => [owner, stored[index]!]));
  }

  async function fetchKey(owner: string, stored: StoredKey, forgottenBefore: number): Promise<DataKey> {
    const key = stored === 'destroyed' ? stored : createSecretKey(await masterKeys.unwrap(owner, stored));
    if (forgotten === forgottenBefore) keep(owner, key);
    return key;
  }

  const fetchTogether = inBatches<{ owner: string; create: boolean }, DataKey | undefined>(
    async (wanted) => {
      const owners = [...new Set(wanted.map(({ owner }) => owner))];
      const forgottenBefore = forgotten;
      const read = await store.read(owners);
      const stored = new Map(owners.map((owner, index) => [owner, read[index]]));
      const missing = wanted.filter(({ owner, create }) => create && !stored.get(owner)).map(({ owner }) => owner);
      for (const [owner, key] of await make([...new Set(missing)])) stored.set(owner, key);
      return wanted.map(async ({ owner }) => {
        const key = stored.get(owner);
        return key && (await fetchKey(owner, key, forgottenBefore));
      });
    },
    { maxItems: READ_TOGETHER },
  );

  return {
    get: async (owners, { create }) => {
      const keys = new Map<string, DataKey>();
      const unknown: string[] = [];
      for (const owner of new Set(owners)) {
        const key = keptKey(owner);
        if (key) keys.set(owner, key);
        else unknown.push(owner);
      }
      if (unknown.length === 0) return keys;
      const fetched = await Promise.all(unknown.map((owner) => fetchTogether({ owner, create })));
      for (const [index, owner] of unknown.entries()) {
        const key = fetched[index];
        if (key) keys.set(owner, key);
      }
      return keys;
    },
    forget: (owner) => {
      forgotten++;
      if (owner === undefined) kept.clear();
      else kept.delete(owner);
    },
  };
}
