const SLOTS = 16_384;
/** CRC-16/XMODEM. */
const POLYNOMIAL = 0x1021;

/**
 * Returns the text that decides in which slot of a Redis Cluster a key is: what is between its first `{` and the next `}`.
 * undefined: it has no such text, or an empty one, and the whole key decides.
 */
export function hashTagOf(key: string): string | undefined {
  const opened = key.indexOf('{');
  const closed = opened < 0 ? -1 : key.indexOf('}', opened);
  return closed > opened + 1 ? key.slice(opened + 1, closed) : undefined;
}

/**
 * Returns the slot of a key, as Redis computes it. (cluster-key-slot, which ioredis uses, computes another one for keys such as
 * `a{}b}`. ioredis finds the right node all the same, one round trip later.)
 */
export const hashSlotOf = (key: string): number => crc16(Buffer.from(hashTagOf(key) ?? key)) % SLOTS;

function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
    crc &= 0xffff;
  }
  return crc;
}
