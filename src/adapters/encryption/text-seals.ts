import { generateKeySync } from 'node:crypto';
import type { Place, Seals, TextSeals } from '../../contracts/sealing.ts';
import type { DataKey, DataKeys } from './data-keys.ts';
import { decrypt, encrypt, KEY_BYTES } from './gcm.ts';

/** The owner of a user's data key. */
export const ownerOf = (userId: string) => `user:${userId}`;

/** Encrypts each user's texts with the user's data key. */
export function createTextSeals(dataKeys: Pick<DataKeys, 'get'>): TextSeals {
  const sealsFor = async (userIds: readonly string[], create: boolean) =>
    sealsOf(await dataKeys.get(userIds.map(ownerOf), { create }));
  return {
    forSealing: (userIds) => sealsFor(userIds, true),
    forOpening: (userIds) => sealsFor(userIds, false),
  };
}

const sealsOf = (keys: ReadonlyMap<string, DataKey>): Seals => ({
  seal: (place, text) => {
    const key = keys.get(ownerOf(place.userId));
    if (!key) throw new Error('a text is sealed whose user was not named');
    // The key of an erased user is destroyed. A text that comes late is sealed all the same, so that nobody can read it.
    return encrypt(key === 'destroyed' ? lostKey() : key, contextOf(place), text).toString('base64');
  },
  open: (place, sealed) => {
    const key = keys.get(ownerOf(place.userId));
    if (!key || key === 'destroyed') return undefined;
    return decrypt(key, contextOf(place), Buffer.from(sealed, 'base64'))?.toString('utf8');
  },
});

/** A key that nobody else ever has. */
const lostKey = () => generateKeySync('aes', { length: KEY_BYTES * 8 });

const contextOf = ({ userId, kind, id }: Place) => [userId, kind, id];
