import { createSecretKey } from 'node:crypto';
import { MasterKeyMissingError } from '../../contracts/errors.ts';
import { decrypt, encrypt } from './gcm.ts';

/** A data key as it may be kept. */
export interface WrappedKey {
  /** The id of the master key that has wrapped it. */
  master: string;
  /** The data key, encrypted; base64. */
  key: string;
}

/** Wraps data keys. Master keys never leave it, so a key management service can be behind it. */
export interface MasterKeys {
  /** The id of the master key that wraps. The others only unwrap. */
  readonly current: string;
  has(id: string): boolean;
  /** @param owner whose the data key is; it can be unwrapped for nobody else */
  wrap(owner: string, dataKey: Buffer): Promise<WrappedKey>;
  /** @throws MasterKeyMissingError it has no such master key, or another one under that name */
  unwrap(owner: string, wrapped: WrappedKey): Promise<Buffer>;
}

/** A master key of the settings. */
export interface MasterKey {
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

/** Master keys that this process has itself. @param keys the first one wraps */
export function createConfiguredMasterKeys(keys: readonly [MasterKey, ...MasterKey[]]): MasterKeys {
  const byId = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]));
  const current = keys[0].id;
  const currentKey = byId.get(current)!;
  const contextOf = (owner: string) => ['data key', owner];
  return {
    current,
    has: (id) => byId.has(id),
    wrap: async (owner, dataKey) => ({
      master: current,
      key: encrypt(currentKey, contextOf(owner), dataKey).toString('base64'),
    }),
    unwrap: async (owner, { master, key }) => {
      const masterKey = byId.get(master);
      if (!masterKey) throw new MasterKeyMissingError(`ENCRYPTION_KEYS lacks the master key ${master}.`);
      const dataKey = decrypt(masterKey, contextOf(owner), Buffer.from(key, 'base64'));
      if (!dataKey) throw new MasterKeyMissingError(`The master key ${master} of ENCRYPTION_KEYS is another one.`);
      return dataKey;
    },
  };
}
