import { readFile, rm, writeFile } from 'node:fs/promises';
import type { ArchivedSession } from '../../adapters/conversations/history-archive.ts';
import type { DataKeyStore } from '../../adapters/encryption/data-key-store.ts';
import type { Account } from '../../contracts/account.ts';
import type { HistoryStores } from './history-stores.ts';
import { type HistoryRecord, readRecords } from './records.ts';

/** How many records are written together, and about how many turns at most. */
const RECORDS_TOGETHER = 200;
const TURNS_TOGETHER = 1_000;

/** Where an interrupted import goes on. */
const positionFileOf = (file: string) => `${file}.imported`;

/**
 * Writes everything that a file has to the store. What the store has already stays as it is. After each batch, the position
 * in the file is kept beside it, so an interrupted import goes on there.
 * @param onRecord called for each record that is written
 */
export async function importHistory(
  { archive, accounts, dataKeys }: HistoryStores,
  file: string,
  onRecord: (record: HistoryRecord) => void,
): Promise<void> {
  let batch: HistoryRecord[] = [];
  let turns = 0;
  const writeBatch = async (end: number) => {
    const sessions = batch.flatMap((each): ArchivedSession[] => (each.kind === 'session' ? [each.session] : []));
    const owners = batch.flatMap((each): Account[] => (each.kind === 'account' ? [each.account] : []));
    await writeKeys(dataKeys, batch);
    for (const account of owners) if (!(await accounts.byId(account.userId))) await accounts.create(account);
    await archive.write(sessions);
    await writeFile(positionFileOf(file), String(end));
    for (const record of batch) onRecord(record);
    batch = [];
    turns = 0;
  };
  let last = await readPosition(file);
  for await (const { record, end } of readRecords(file, last)) {
    batch.push(record);
    turns += record.kind === 'session' ? record.session.turns.length : 0;
    last = end;
    if (batch.length >= RECORDS_TOGETHER || turns >= TURNS_TOGETHER) await writeBatch(end);
  }
  await writeBatch(last);
  await rm(positionFileOf(file));
}

async function writeKeys(dataKeys: DataKeyStore, batch: readonly HistoryRecord[]): Promise<void> {
  const added = [];
  for (const record of batch) {
    if (record.kind !== 'key') continue;
    const { owner, key } = record;
    if (key === 'destroyed') await dataKeys.destroy(owner);
    else added.push({ owner, key });
  }
  await dataKeys.add(added);
}

const readPosition = async (file: string) => Number(await readFile(positionFileOf(file), 'utf8').catch(() => '0'));
