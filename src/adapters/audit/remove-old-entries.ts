import type { AuditTrail } from '../../contracts/audit.ts';
import type { AuditEntry, AuditStore, Head } from './audit-store.ts';

/**
 * Removes the entries from before a time. First an entry is recorded that says which they were and what the last of them had for
 * a hash, so that the rest can still be verified.
 * @param before ms since 1970
 * @returns how many were removed
 */
export async function removeOldEntries(
  { store, trail }: { store: AuditStore; trail: Pick<AuditTrail, 'record'> },
  before: number,
): Promise<number> {
  let count = 0;
  let last: Head | undefined;
  for await (const { text } of store.read(1)) {
    const { at, number, hash } = JSON.parse(text) as AuditEntry;
    if (Date.parse(at) >= before) break;
    count += 1;
    last = { number, hash };
  }
  if (!last) return 0;
  await trail.record({
    ...{ action: 'trail.shorten', actor: { kind: 'system' }, outcome: 'done' },
    details: { count, filter: { through: last.number, hash: last.hash } },
  });
  await store.removeBefore(last.number + 1);
  return count;
}
