import { z } from 'zod';
import type { auditEvent } from '../../contracts/audit.ts';
import type { AuditEntry, Head } from './audit-store.ts';
import { BEFORE_THE_FIRST, hashOf, isSealed } from './chain.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const entry = z.looseObject({
  number: z.int().positive(),
  action: z.string(),
  previous: hash,
  hash,
  seal: z.string().optional(),
});

/** What `trail.shorten` says of the entries that were removed. */
const removed = z.object({
  action: z.literal('trail.shorten' satisfies z.output<typeof auditEvent>['action']),
  details: z.object({ filter: z.object({ through: z.int(), hash }) }),
});

export interface Verified {
  /** How many entries there are. */
  entries: number;
  /** undefined: there is no entry. */
  first: number | undefined;
  last: Head | undefined;
  /** How many entries have no seal, all of them before the first that has one. */
  unsealed: number;
  /**
   * What is before the first entry. `nothing`: it is the first of all. `removed`: entries that were too old, as a later entry
   * says. `unknown`: it does not show. A file may begin anywhere.
   */
  before: 'nothing' | 'removed' | 'unknown';
  /** Whether the entry that was asked for is there, with its hash; undefined: none was asked for. */
  hasHead: boolean | undefined;
}

/** An entry that is not as it was written, or is not in its place. */
export class BrokenEntryError extends Error {
  /** @param position its place, from 1. @param number what it says of itself */
  constructor(position: number, number: number | undefined, problem: string) {
    super(`Line ${position}${number === undefined ? '' : `, entry ${number}`}: ${problem}`);
  }
}

/**
 * Reads entries in order, and proves that none was changed, left out or put in between. The last ones may be missing: only
 * `head`, which the api has logged, can show that.
 * @param texts each the JSON of an entry
 * @param options.keys have sealed the entries, from some entry on; none: seals are not looked at
 * @throws BrokenEntryError for the first entry that is broken
 */
export async function verifyEntries(
  texts: AsyncIterable<string>,
  { keys, head, onEntry = () => {} }: { keys: readonly string[]; head?: Head | undefined; onEntry?: () => void },
): Promise<Verified> {
  let entries = 0;
  let unsealed = 0;
  let first: AuditEntry | undefined;
  let last: AuditEntry | undefined;
  let isRemovalKnown = false;
  let hasHead = false;
  for await (const text of texts) {
    entries += 1;
    const read = parse(text);
    if (!read) throw new BrokenEntryError(entries, undefined, 'it is no entry of an audit trail.');
    const broken = (problem: string) => new BrokenEntryError(entries, read.number, problem);
    const { hash: given, seal, ...hashed } = read;
    if (hashOf(hashed) !== given) throw broken('its content was changed: its hash is another.');
    if (last && read.number !== last.number + 1) throw broken(`it comes after entry ${last.number}.`);
    if (last && read.previous !== last.hash) throw broken('it does not follow the entry before: that was replaced.');
    if (keys.length > 0 && (seal !== undefined || unsealed < entries - 1) && !isSealed(read, keys)) {
      throw broken('none of AUDIT_KEYS has sealed it.');
    }
    if (seal === undefined) unsealed += 1;
    first ??= read;
    last = read;
    isRemovalKnown ||= saysRemoved(read, first);
    hasHead ||= read.number === head?.number && given === head.hash;
    onEntry();
  }
  if (keys.length > 0 && last && last.seal === undefined) {
    throw new BrokenEntryError(entries, last.number, 'it is the last, and has no seal.');
  }
  if (first?.number === 1 && first.previous !== BEFORE_THE_FIRST.hash) {
    throw new BrokenEntryError(1, 1, 'it follows another entry, although it is the first.');
  }
  return {
    entries,
    unsealed,
    first: first?.number,
    last: last && { number: last.number, hash: last.hash },
    before: !first || first.number === 1 ? 'nothing' : isRemovalKnown ? 'removed' : 'unknown',
    hasHead: head && hasHead,
  };
}

function parse(text: string): AuditEntry | undefined {
  try {
    return entry.safeParse(JSON.parse(text)).success ? (JSON.parse(text) as AuditEntry) : undefined;
  } catch {
    return undefined;
  }
}

function saysRemoved(read: AuditEntry, first: AuditEntry): boolean {
  const said = removed.safeParse(read);
  if (!said.success) return false;
  const { through, hash: its } = said.data.details.filter;
  return through === first.number - 1 && its === first.previous;
}
