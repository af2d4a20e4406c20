import type { HistoryRecord } from './records.ts';

const SAID_EVERY_MS = { terminal: 100, elsewhere: 5_000 };

/**
 * Says how much is done: on a terminal in one line that is overwritten, elsewhere in a line every few seconds.
 * @param done what is done: `exported`
 */
export function createHistoryProgress(stream: NodeJS.WriteStream, done: string) {
  const counts = { account: 0, session: 0, turn: 0, key: 0 };
  let saidAt = performance.now();
  const say = (end: string) => {
    const { account, session, turn } = counts;
    const start = stream.isTTY ? '\r' : '';
    stream.write(`${start}${session} sessions with ${turn} turns and ${account} accounts ${done}${end}`);
  };
  return {
    add: (record: HistoryRecord) => {
      counts[record.kind]++;
      if (record.kind === 'session') counts.turn += record.session.turns.length;
      if (performance.now() - saidAt < SAID_EVERY_MS[stream.isTTY ? 'terminal' : 'elsewhere']) return;
      saidAt = performance.now();
      say(stream.isTTY ? '' : '\n');
    },
    end: () => say('\n'),
  };
}
