/** Each TTL is made randomly longer or shorter by up to this share, so that answers kept together do not expire together. */
const TTL_JITTER = 0.1;

/** @param random a number in [0, 1) */
export const jittered = (ttlMs: number, random: number): number =>
  Math.max(1, Math.round(ttlMs * (1 + TTL_JITTER * (2 * random - 1))));
