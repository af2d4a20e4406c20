import type { Logger } from 'pino';
import type { HistoryStore, OverdueTurn } from '../../adapters/history/history-store.ts';
import type { PlaceInLine } from '../../adapters/jobs/place-in-line.ts';
import type { Failure } from '../../contracts/chat-response.ts';
import type { AnswerWaiter } from './answer-waiter.ts';
import { endedTurn } from './ended-turn.ts';

/** So many are looked at together, the oldest first. */
const TOGETHER = 500;
/** One that may still be answered is looked at again after so long. */
const LOOK_AGAIN_MS = 60_000;
/**
 * Where messages wait, one of them may be the question, and its worker will say that it is too late. But the queues of a
 * busy system may never be empty, so there is an end to this; and, later, to the patience with a job.
 */
const PATIENCE_MS = { withMessages: 15 * 60_000, withJob: 3_600_000 };

export interface LostTurnsOptions {
  history: Pick<HistoryStore, 'overdue' | 'postpone' | 'close' | 'discard' | 'settle'>;
  /** Where the jobs of these requests are. */
  placesOf: (requestIds: string[]) => Promise<PlaceInLine[]>;
  /** How many messages wait in all of our queues; undefined: the broker is out of reach. */
  messagesWaiting: () => Promise<number | undefined>;
  requestDeadlineMs: number;
  /** How long after its deadline a turn is given for its answer to arrive. */
  graceMs: number;
  /** Whoever waits here hears nothing of what this process writes down itself. */
  answerWaiter: Pick<AnswerWaiter, 'settled'>;
  onLost: () => void;
  logger: Logger;
}

/**
 * Ends the turns that nobody else will end: their deadline has passed, and neither a job nor a message is left of them,
 * because a queue was emptied or a store has lost it. A question that was never confirmed, which its user does not see, is
 * removed. Several processes may do this at once.
 *
 * A turn that is merely late is left alone: its worker will say itself that the deadline has passed.
 *
 * @returns ends those that are lost now; one round trip where none is overdue
 */
export function createLostTurns(options: LostTurnsOptions): () => Promise<void> {
  const { history, placesOf, messagesWaiting, requestDeadlineMs, graceMs, answerWaiter, onLost, logger } = options;

  async function endTurns(turns: readonly OverdueTurn[]): Promise<void> {
    const outcomes = await history.settle(turns.map((turn) => endedTurn(turn, tooLate)));
    for (const [index, { requestId }] of turns.entries()) {
      if (outcomes[index] !== 'settled') continue;
      onLost();
      answerWaiter.settled(requestId, 'look');
      logger.warn(
        { requestId },
        'a question was lost: it has failed with deadline_exceeded, because nothing is left of it',
      );
    }
  }

  /** Looks at the turns that are overdue, and gives how many there were. */
  async function look(now: number): Promise<number> {
    const overdue = await history.overdue(now - graceMs, TOGETHER);
    if (overdue.length === 0) return 0;
    const open = overdue.filter(({ state }) => state === 'accepting' || state === 'queued');
    await history.close(overdue.filter((turn) => !open.includes(turn)));

    const messages = await messagesWaiting();
    if (messages === undefined) return 0;
    const places = await placesOf(open.map(({ requestId }) => requestId));
    const isLost = ({ createdAt }: OverdueTurn, index: number) => {
      const lateMs = now - Date.parse(createdAt) - requestDeadlineMs;
      if (!isNowhere(places[index]!)) return lateMs > PATIENCE_MS.withJob;
      return messages === 0 || lateMs > PATIENCE_MS.withMessages;
    };
    const lost = open.filter(isLost);
    const late = open.filter((turn) => !lost.includes(turn));
    await history.postpone(late, now - graceMs + LOOK_AGAIN_MS);
    await endTurns(lost.filter(({ state }) => state === 'queued'));
    await Promise.all(lost.filter(({ state }) => state === 'accepting').map((turn) => history.discard(turn)));
    return overdue.length;
  }

  return async () => {
    const now = Date.now();
    while ((await look(now)) === TOGETHER);
  };
}

const isNowhere = ({ kind }: PlaceInLine) => kind === 'none' || kind === 'finished';

const tooLate: Failure = {
  code: 'deadline_exceeded',
  message: 'The request was not answered before its deadline.',
  retryable: true,
};
