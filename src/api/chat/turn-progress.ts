import type { Turn } from '../../contracts/conversation.ts';
import type { TurnsProgress } from './bodies.ts';
import type { Line } from './line/line.ts';

/** Finds out the progress of a user's turns that have not ended. One round trip for all of them; none if all have ended. */
export async function readProgress(
  userId: string,
  turns: readonly Turn[],
  line: Pick<Line, 'progress'>,
): Promise<TurnsProgress> {
  const open = turns.filter(({ answer }) => !answer);
  if (open.length === 0) return new Map();
  const found = await line.progress(userId, open);
  return new Map(open.map(({ requestId }, index) => [requestId, found[index]!]));
}
