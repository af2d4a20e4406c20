import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { AuditRecord } from '../../contracts/audit.ts';
import type { AuditEntry, Head, StoredEntry } from './audit-store.ts';

/** What the first entry follows. */
export const BEFORE_THE_FIRST: Head = { number: 0, hash: '0'.repeat(64) };

/** Chains records to the last entry. @param key seals them; undefined: they have no seal */
export function chain(head: Head, records: readonly AuditRecord[], key: string | undefined): StoredEntry[] {
  let last = head;
  return records.map((record) => {
    const unhashed = { number: last.number + 1, ...record, previous: last.hash };
    const hash = hashOf(unhashed);
    const seal = key === undefined ? {} : { seal: sealOf(hash, key) };
    last = { number: unhashed.number, hash };
    return { ...last, text: JSON.stringify({ ...unhashed, hash, ...seal }) };
  });
}

/** @param entry its fields are in the order in which they were written */
export const hashOf = (entry: Omit<AuditEntry, 'hash' | 'seal'>): string =>
  createHash('sha256').update(JSON.stringify(entry)).digest('hex');

const sealOf = (hash: string, key: string): string => createHmac('sha256', key).update(hash).digest('base64url');

/** Whether one of these keys has sealed it. */
export function isSealed({ hash, seal = '' }: AuditEntry, keys: readonly string[]): boolean {
  const given = Buffer.from(seal);
  return keys.some((key) => {
    const right = Buffer.from(sealOf(hash, key));
    return given.length === right.length && timingSafeEqual(given, right);
  });
}
