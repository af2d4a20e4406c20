import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { stat, truncate } from 'node:fs/promises';
import type { HistoryStores } from './history-stores.ts';
import { type HistoryRecord, idOf, lineOf, readRecords } from './records.ts';

/**
 * Writes everything that the store has to a file. What the file has already is kept and not written again.
 * @param onRecord called for each record, those that the file had already included
 */
export async function exportHistory(
  { archive, accounts, dataKeys }: HistoryStores,
  file: string,
  onRecord: (record: HistoryRecord) => void,
): Promise<void> {
  const written = new Set<string>();
  let end = 0;
  if (await stat(file).catch(() => undefined)) {
    for await (const { record, end: next } of readRecords(file, 0)) {
      written.add(idOf(record));
      onRecord(record);
      end = next;
    }
    // What follows is a line that an interrupted export has begun.
    await truncate(file, end);
  }
  // It has texts of users and hashes of passwords.
  const out = createWriteStream(file, { flags: 'a', mode: 0o600 });
  const write = async (record: HistoryRecord) => {
    if (written.has(idOf(record))) return;
    written.add(idOf(record));
    if (!out.write(lineOf(record))) await once(out, 'drain');
    onRecord(record);
  };
  // The keys come first, so that no text is ever without its key.
  for await (const { owner, key } of dataKeys.all()) await write({ kind: 'key', owner, key });
  for await (const account of accounts.all()) await write({ kind: 'account', account });
  for await (const session of archive.read()) await write({ kind: 'session', session });
  out.end();
  await once(out, 'close');
}
