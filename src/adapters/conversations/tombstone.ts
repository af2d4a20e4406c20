/** How long it is remembered that a session was erased. It is longer than any answer may take. */
export const TOMBSTONE_MS = 7 * 24 * 3_600_000;

/** What a tombstone holds when nothing of the session is left elsewhere. */
export const NOTHING_LEFT = '1';
