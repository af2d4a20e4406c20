import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;
const NONCES_AT_ONCE = 256;

/**
 * Encrypts with AES-256-GCM under a random nonce of 96 bits. One key must not encrypt more than 2^32 times, so that no nonce is
 * likely to come twice.
 * @param key no Buffer, because Node takes longer to find out that a Buffer is no KeyObject than to encrypt a text
 * @param context what the result is bound to: it is not in the result, and `decrypt` needs the same
 * @returns the nonce, what is encrypted and the tag
 */
export function encrypt(key: KeyObject, context: readonly string[], plain: string | Buffer): Buffer {
  const nonce = nextNonce();
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(contextBytes(context));
  return Buffer.concat([
    nonce,
    typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

/** Returns undefined if another key or context has encrypted it, or something of it was changed. */
export function decrypt(key: KeyObject, context: readonly string[], encrypted: Buffer): Buffer | undefined {
  if (encrypted.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = encrypted.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(contextBytes(context))
    .setAuthTag(encrypted.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(encrypted.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

let nonces = Buffer.alloc(0);
let used = 0;

/** Each is given once. They are made many at a time, because most of a call does not depend on how many bytes it makes. */
function nextNonce(): Buffer {
  if (used === nonces.length) {
    nonces = randomBytes(NONCES_AT_ONCE * NONCE_BYTES);
    used = 0;
  }
  used += NONCE_BYTES;
  return nonces.subarray(used - NONCE_BYTES, used);
}

/** A JSON list, because the parts may have any character. */
const contextBytes = (context: readonly string[]) => Buffer.from(JSON.stringify(context));
