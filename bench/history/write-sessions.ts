import type { ArchivedSession, HistoryArchive } from '../../src/adapters/conversations/history-archive.ts';
import { TURNS_OF_A_SESSION } from './made-sessions.ts';

const WRITTEN_TOGETHER = 50;

/** Writes sessions as an import does, with a line of progress on a terminal. */
export async function writeSessions(archive: HistoryArchive, sessions: Iterable<ArchivedSession>): Promise<void> {
  let batch: ArchivedSession[] = [];
  let written = 0;
  const write = async () => {
    await archive.write(batch);
    written += batch.length * TURNS_OF_A_SESSION;
    batch = [];
    if (process.stderr.isTTY) process.stderr.write(`\r${written} turns written`);
  };
  for (const session of sessions) {
    batch.push(session);
    if (batch.length === WRITTEN_TOGETHER) await write();
  }
  await write();
  if (process.stderr.isTTY) process.stderr.write('\n');
}
