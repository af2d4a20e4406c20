import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type ArchivedSession, archivedSession } from '../../adapters/conversations/history-archive.ts';
import type { StoredKey } from '../../adapters/encryption/data-key-store.ts';
import { type Account, account } from '../../contracts/account.ts';

const record = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('account'),
    account,
  }),
  z.object({ kind: z.literal('session'), session: archivedSession }),
  z.object({
    kind: z.literal('key'),
    owner: z.string(),
    key: z.union([z.literal('destroyed'), z.object({ master: z.string(), key: z.string() })]),
  }),
]);

/** A line of the file: an account, a session with its turns, or a data key, which a master key has wrapped. */
export type HistoryRecord =
  | { kind: 'account'; account: Account }
  | { kind: 'session'; session: ArchivedSession }
  | { kind: 'key'; owner: string; key: StoredKey };

export const lineOf = (each: HistoryRecord) => `${JSON.stringify(each)}\n`;

/** What a record is recognised by. */
export function idOf(each: HistoryRecord): string {
  if (each.kind === 'account') return `account ${each.account.userId}`;
  return each.kind === 'key' ? `key ${each.owner}` : `session ${each.session.sessionId}`;
}

/**
 * Reads the records of a file from a byte on, each with the byte at which the next one begins. A last line without an end
 * is left out: whoever wrote it was interrupted.
 * @throws Error a line is no record
 */
export async function* readRecords(file: string, from: number): AsyncGenerator<{ record: HistoryRecord; end: number }> {
  const { size } = await stat(file);
  let end = from;
  for await (const line of createInterface({ input: createReadStream(file, { start: from }) })) {
    end += Buffer.byteLength(line) + 1;
    if (end > size) return;
    yield { record: parse(line, end), end };
  }
}

function parse(line: string, end: number): HistoryRecord {
  try {
    return record.parse(JSON.parse(line));
  } catch (error) {
    const why = error instanceof z.ZodError ? `${error.issues[0]!.path.join('.')} is wrong` : 'it is no JSON';
    throw new Error(`the line that ends at byte ${end} is no record of this command: ${why}`);
  }
}
