import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/**
 * Encrypts with AES-256-GCM under a random nonce of 96 bits. One key must not encrypt more than 2^32 times, so that no nonce is
 * likely to come twice.
 * @param context what the result is bound to: it is not in the result, and `decrypt` needs the same
 * @returns the nonce, what is encrypted and the tag
 */
export function encrypt(key: Buffer, context: readonly string[], plain: string | Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(contextBytes(context));
  return Buffer.concat([
    nonce,
    typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

/** Returns undefined if another key or context has encrypted it, or something of it was changed. */
export function decrypt(key: Buffer, context: readonly string[], encrypted: Buffer): Buffer | undefined {
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

/** A JSON list, because the parts may have any character. */
const contextBytes = (context: readonly string[]) => Buffer.from(JSON.stringify(context));
