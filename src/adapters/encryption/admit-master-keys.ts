import { randomBytes } from 'node:crypto';
import { MasterKeyMissingError } from '../../contracts/errors.ts';
import type { DataKeyStore } from './data-key-store.ts';
import { KEY_BYTES } from './gcm.ts';
import type { MasterKeys } from './master-keys.ts';

/** The owner of the known values. No data key has it. */
const CHECK = 'check';

/**
 * Compares the master keys of this process with those that have wrapped data keys, and notes the current one among them.
 * @param masterKeys undefined: ENCRYPTION_KEYS is not set
 * @returns what an operator must do; undefined: they are as they must be
 * @throws StoreUnavailableError
 */
export async function admitMasterKeys(
  store: Pick<DataKeyStore, 'masterKeys' | 'addMasterKey'>,
  masterKeys: MasterKeys | undefined,
): Promise<string | undefined> {
  const noted = await store.masterKeys();
  const missing = [...noted.keys()].filter((id) => !masterKeys?.has(id));
  if (missing.length > 0) {
    return `texts are encrypted with master keys that ENCRYPTION_KEYS lacks: ${missing.join(', ')}. Give them back; to do without one, run: npm run keys -- rotate`;
  }
  if (!masterKeys) return undefined;
  for (const [id, check] of noted) {
    try {
      await masterKeys.unwrap(CHECK, check);
    } catch (error) {
      if (!(error instanceof MasterKeyMissingError)) throw error;
      return `the master key ${id} of ENCRYPTION_KEYS is not the one that has encrypted texts: give back the right one, or give the new one another id`;
    }
  }
  if (!noted.has(masterKeys.current)) await store.addMasterKey(await masterKeys.wrap(CHECK, randomBytes(KEY_BYTES)));
  return undefined;
}
