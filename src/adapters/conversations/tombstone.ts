/** For how long it is known that a session was erased: longer than an answer can be on its way. */
export const TOMBSTONE_MS = 7 * 24 * 3_600_000;

/** What the tombstone of an erased session holds once nothing is left to be erased elsewhere. */
export const NOTHING_LEFT = '1';
