import type { DataKeyStore } from './data-key-store.ts';
import type { MasterKeys } from './master-keys.ts';

export interface Rotated {
  /** How many data keys the current master key has wrapped now. */
  wrapped: number;
  /** How many were destroyed. */
  destroyed: number;
}

/**
 * Wraps all data keys with the current master key, and then notes that the other master keys have wrapped none of them. It can
 * be interrupted and called again.
 * @param options.onKey called for each data key, with how many there were so far
 * @throws StoreUnavailableError, MasterKeyMissingError
 */
export async function rotateKeys(options: {
  store: DataKeyStore;
  masterKeys: MasterKeys;
  onKey?: (count: number) => void;
}): Promise<Rotated> {
  const { store, masterKeys, onKey = () => {} } = options;
  const result: Rotated = { wrapped: 0, destroyed: 0 };
  let count = 0;
  for await (const { owner, key } of store.all()) {
    if (key === 'destroyed') result.destroyed++;
    else result.wrapped++;
    if (key !== 'destroyed' && key.master !== masterKeys.current) {
      // It is not replaced if it was destroyed meanwhile.
      await store.replace(owner, key, await masterKeys.wrap(owner, await masterKeys.unwrap(owner, key)));
    }
    onKey(++count);
  }
  const others = [...(await store.masterKeys()).keys()].filter((id) => id !== masterKeys.current);
  await store.removeMasterKeys(others);
  return result;
}
