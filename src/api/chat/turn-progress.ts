import type { SessionTurn, TurnStatus } from '../../contracts/http/chat-bodies.ts';
import type { Line, Progress } from './line.ts';

const TERMINAL: readonly TurnStatus[] = ['completed', 'failed', 'cancelled'];

export const isTerminal = ({ status }: Pick<SessionTurn, 'status'>) => TERMINAL.includes(status);

/**
 * The turns with what is happening to those that have not ended: one round trip for all of them, none where all have
 * ended.
 * @returns the turns, and how the last one stands; undefined: it has ended
 */
export async function withProgress<Turn extends SessionTurn>(
  turns: readonly Turn[],
  line: Pick<Line, 'progress'>,
): Promise<{ turns: Turn[]; last: Progress | undefined }> {
  const open = turns.filter((turn) => !isTerminal(turn));
  if (open.length === 0) return { turns: [...turns], last: undefined };
  const found = await line.progress(open);
  const progress = new Map(open.map(({ requestId }, index) => [requestId, found[index]!]));
  const last = turns.at(-1);
  return {
    turns: turns.map((turn) => {
      const now = progress.get(turn.requestId);
      return now ? { ...turn, status: now.status, attempts: now.attempts, retry: now.retry } : turn;
    }),
    last: last && progress.get(last.requestId),
  };
}
