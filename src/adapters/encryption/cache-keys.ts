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
      const known = derived.get(dataKey) ?? derive(dataKey, name, isUser(owner));
      derived.set(dataKey, known);
      return known;
    },
  };
}

const isUser = (owner: CacheOwner) => typeof owner === 'object' && 'userId' in owner;

function nameOf(owner: CacheOwner): string {
  if (owner === 'everybody') return EVERYBODY;
  return 'userId' in owner ? ownerOf(owner.userId) : `tenant:${owner.tenantId}`;
}

/** @param ofUser one user asks few enough questions for one key. Of a tenant or of everybody, each question has a key of its own */
function derive(dataKey: KeyObject, owner: string, ofUser: boolean): CacheKey {
  const keyFor = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', dataKey, '', `answer cache: ${purpose}`, KEY_BYTES)));
  const [fingerprints, entries] = [keyFor('fingerprints'), keyFor('entries')];
  const ofQuestion = (hash: string) => createSecretKey(createHmac('sha256', entries).update(hash).digest());
  const contextOf = (hash: string) => [owner, 'cached answer', hash];
  const openWith = (key: KeyObject, hash: string, sealed: Buffer) => decrypt(key, contextOf(hash), sealed);
  const own = ofUser ? keyFor('entries of a user') : undefined;
  return {
    fingerprint: (text) => createHmac('sha256', fingerprints).update(text).digest(),
    seal: (hash, entry) => encrypt(own ?? ofQuestion(hash), contextOf(hash), entry).toString('base64'),
    open: (hash, sealed) => {
      const bytes = Buffer.from(sealed, 'base64');
      // Earlier versions sealed those of users, too, with a key for each question.
      const entry = (own && openWith(own, hash, bytes)) ?? openWith(ofQuestion(hash), hash, bytes);
      return entry?.toString('utf8');
    },
  };
}
