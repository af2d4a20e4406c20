import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { CacheKey, CacheKeys, CacheOwner } from '../../contracts/cache-keys.ts';
import type { DataKeys } from './data-keys.ts';
import { decrypt, encrypt, KEY_BYTES } from './gcm.ts';
import { ownerOf } from './text-seals.ts';

const EVERYBODY = 'everybody';

/** Derives the keys of cached answers from the data keys of their owners. */
export function createCacheKeys(dataKeys: Pick<DataKeys, 'get'>): CacheKeys {
  const derived = new WeakMap<KeyObject, CacheKey>();
  return {
    of: async (owner) => {
      const name = nameOf(owner);
      const dataKey = (await dataKeys.get([name], { create: true })).get(name)!;
      if (dataKey === 'destroyed') return undefined;
      const known = derived.get(dataKey) ?? derive(dataKey, name);
      derived.set(dataKey, known);
      return known;
    },
  };
}

function nameOf(owner: CacheOwner): string {
  if (owner === 'everybody') return EVERYBODY;
  return 'userId' in owner ? ownerOf(owner.userId) : `tenant:${owner.tenantId}`;
}

function derive(dataKey: KeyObject, owner: string): CacheKey {
  const keyFor = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', dataKey, '', `answer cache: ${purpose}`, KEY_BYTES)));
  const [fingerprints, entries] = [keyFor('fingerprints'), keyFor('entries')];
  // Each question has a key of its own. So the key of a tenant, or of everybody, may seal any number of answers.
  const keyOf = (hash: string) => createSecretKey(createHmac('sha256', entries).update(hash).digest());
  const contextOf = (hash: string) => [owner, 'cached answer', hash];
  return {
    fingerprint: (text) => createHmac('sha256', fingerprints).update(text).digest(),
    seal: (hash, entry) => encrypt(keyOf(hash), contextOf(hash), entry).toString('base64'),
    open: (hash, sealed) => decrypt(keyOf(hash), contextOf(hash), Buffer.from(sealed, 'base64'))?.toString('utf8'),
  };
}
