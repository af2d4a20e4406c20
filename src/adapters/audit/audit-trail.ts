import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { inBatches } from '../../batching/in-batches.ts';
import { type AuditEvent, type AuditRecord, type AuditTrail, auditEvent } from '../../contracts/audit.ts';
import type { AuditStore, Head } from './audit-store.ts';
import { chain } from './chain.ts';

/** So many entries are written in one round trip at most. */
const MAX_BATCH = 100;
/** About 5 MB. */
const MAX_WAITING = 10_000;
const TRY_AGAIN_MS = 1_000;

export interface WrittenAuditTrail extends AuditTrail {
  /** The last entry that this process knows of; undefined: it knows of none. */
  readonly head: Head | undefined;
  /** Tries for the last time to write what still waits. What cannot be written is lost. */
  stop(): Promise<void>;
}

/**
 * Writes the trail. Entries that come together are written together, in the order in which they came. If another process was
 * faster, they are chained to its entries. An entry that waits for the store is in one of two places:
 * - *a batch*: it is written now, or its caller hears that it cannot be;
 * - *the line*: it was noted. The first of the line are given to a batch again and again, until the store takes them.
 * @param options.key seals the entries. undefined: they are chained, but have no seal
 * @param options.onEntry hears of each entry that is kept, or lost
 * @param options.onWaiting hears how many are in the line, whenever that changes
 */
export function createAuditTrail(options: {
  store: AuditStore;
  key?: string | undefined;
  onEntry?: ((event: AuditEvent, fate: 'kept' | 'lost') => void) | undefined;
  onWaiting?: ((count: number) => void) | undefined;
  logger: Logger;
}): WrittenAuditTrail {
  const { store, key, onEntry = () => {}, onWaiting = () => {}, logger } = options;
  let head: Head | undefined;
  const line: AuditRecord[] = [];
  let draining: Promise<void> | undefined;
  const stopping = new AbortController();

  const write = inBatches<AuditRecord, void>(
    async (records) => {
      let left = records;
      while (left.length > 0) {
        head ??= await store.head();
        const appended = await store.append(head, chain(head, left, key));
        head = appended.head;
        left = left.slice(appended.added);
      }
      for (const record of records) onEntry(record, 'kept');
      return records.map(() => undefined);
    },
    { maxItems: MAX_BATCH },
  );

  /** Writes the line until it is empty, or until we stop and the store does not take it. */
  async function drain(): Promise<void> {
    for (let isAway = false; line.length > 0; ) {
      const first = line.slice(0, MAX_BATCH);
      const results = await Promise.allSettled(first.map(write));
      const failed = results.find((result) => result.status === 'rejected');
      line.splice(0, first.length, ...first.filter((_, index) => results[index]!.status === 'rejected'));
      onWaiting(line.length);
      if (isAway && !failed) logger.info('the audit trail is written again');
      if (!isAway && failed) logger.warn({ err: failed.reason }, 'entries of the audit trail wait for their store');
      isAway = failed !== undefined;
      if (!failed) continue;
      if (stopping.signal.aborted) break;
      await sleep(TRY_AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
    draining = undefined;
  }

  function lose(records: readonly AuditRecord[]): void {
    for (const record of records) onEntry(record, 'lost');
    const actions = [...new Set(records.map(({ action }) => action))];
    if (records.length > 0) logger.error({ lost: records.length, actions }, 'entries of the audit trail are lost');
  }

  return {
    get head() {
      return head;
    },
    record: async (event, id = randomUUID()) => {
      await write(recordOf(event, id));
      return id;
    },
    note: (event, id = randomUUID()) => {
      const record = recordOf(event, id);
      if (line.length >= MAX_WAITING || stopping.signal.aborted) return lose([record]);
      line.push(record);
      onWaiting(line.length);
      draining ??= drain();
    },
    stop: async () => {
      stopping.abort();
      await draining;
      lose(line.splice(0));
      onWaiting(0);
    },
  };
}

const recordOf = (event: AuditEvent, id: string): AuditRecord => ({
  id,
  at: new Date().toISOString(),
  ...auditEvent.parse(event),
});
