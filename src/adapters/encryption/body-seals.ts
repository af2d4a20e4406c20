import type { BodySeals } from '../../contracts/sealing.ts';
import type { DataKeys } from './data-keys.ts';
import { decrypt, encrypt } from './gcm.ts';

/** The owner of the data key for bodies of messages that nobody could read, so that nobody knows whose they are. It is never destroyed. */
const OWNER = 'letters';
const CONTEXT = ['letter'];

/** Encrypts bodies with one data key for all of them. */
export function createBodySeals(dataKeys: Pick<DataKeys, 'get'>): BodySeals {
  async function withKey(create: boolean) {
    const key = (await dataKeys.get([OWNER], { create })).get(OWNER);
    return {
      seal: (body: Buffer) => (key && key !== 'destroyed' ? encrypt(key, CONTEXT, body) : undefined),
      open: (sealed: Buffer) => (key && key !== 'destroyed' ? decrypt(key, CONTEXT, sealed) : undefined),
    };
  }
  return { forSealing: () => withKey(true), forOpening: () => withKey(false) };
}
