/** Returns an idempotency key. `crypto.randomUUID` is missing in pages that were not loaded over https. */
export const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
