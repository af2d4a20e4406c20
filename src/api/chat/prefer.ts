const WAIT = /^\s*wait\s*=\s*(?:"(\d{1,9})"|(\d{1,9}))\s*(?:;|$)/i;

/**
 * Returns the `wait` of a `Prefer` header (RFC 7240) in whole seconds, at most `maxMs`; undefined if the header has no
 * readable `wait`. The RFC says that such a header is ignored.
 */
export function readPreferWait(header: string | undefined, maxMs: number): number | undefined {
  for (const preference of (header ?? '').split(',')) {
    const match = WAIT.exec(preference);
    if (match) return Math.min(Number(match[1] ?? match[2]), Math.floor(maxMs / 1000)) || undefined;
  }
  return undefined;
}
