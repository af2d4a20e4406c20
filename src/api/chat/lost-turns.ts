import type { Logger } from 'pino';
import type { ConversationStore, OverdueTurn } from '../../adapters/conversations/conversation-store.ts';
import type { PlaceInLine } from '../../adapters/jobs/place-in-line.ts';
import { failureOf } from '../../contracts/error-codes.ts';
import type { AnswerWaiter } from './answer-waiter.ts';
import { endedTurn } from './ended-turn.ts';

/** So many are looked at together, the oldest first. */
const TOGETHER = 500;
/** One that may still be answered is looked at again after so long. */
const LOOK_AGAIN_MS = 60_000;
/**
 * A turn must have been lost for so long, at least. A message in the hands of a worker or an api is in no queue, and no
 * job as yet: after an outage many are, for a moment.
 */
const SURE_AFTER_MS = 5_000;
/**
 * Where messages wait, one of them may be the question, and its worker will say that it is too late. But the queues of a
 * busy system may never be empty, so there is an end to this; and, later, to the patience with a job.
 */
const SUSPECTS_KEPT_MS = 10 * 60_000;
const PATIENCE_MS = { withMessages: 15 * 60_000, withJob: 3_600_000 };

export interface LostTurnsOptions {
  conversations: Pick<ConversationStore, 'overdue' | 'postpone' | 'close' | 'discard' | 'settle'>;
  /** Where the jobs of these requests are. */
  placesOf: (requestIds: string[]) => Promise<PlaceInLine[]>;
  /** How many messages wait in all of our queues; undefined: the broker is out of reach. */
  messagesWaiting: () => Promise<number | undefined>;
  requestDeadlineMs: number;
  /** How long after its deadline a turn is given for its answer to arrive. */
  graceMs: number;
  /** Those who wait at this process. They are told from here, because they hear nothing of what it writes down itself. */
  answerWaiter: Pick<AnswerWaiter, 'settled'>;
  onLost: () => void;
  logger: Logger;
}

/**
 * Ends the turns that nobody else will end: their deadline has passed, and neither a job nor a message is left of them,
 * because a queue was emptied or a store has lost it. A question that was never confirmed, which its user does not see, is
 * removed. Several processes may do this at once.
 *
 * A turn that is merely late is left alone: its worker will say itself that the deadline has passed. One that seems lost
 * is looked at a second time.
 *
 * @returns ends those that are lost now; one round trip where none is overdue
 */
export function createLostTurns(options: LostTurnsOptions): () => Promise<void> {
  const { conversations, placesOf, messagesWaiting, requestDeadlineMs, graceMs, answerWaiter, onLost, logger } =
    options;
  const sureAfterMs = Math.min(SURE_AFTER_MS, graceMs);
  /** Turns that seem to be lost, by their requestId, and since when: ms of the monotonic clock. */
  const suspects = new Map<string, number>();

  /** Whether the turn was lost before, and not just now. */
  function isSurelyLost({ requestId }: OverdueTurn): boolean {
    const since = suspects.get(requestId) ?? performance.now();
    suspects.set(requestId, since);
    return performance.now() - since >= sureAfterMs;
  }

  /** Those that have ended meanwhile are not looked at again. */
  function forgetOldSuspects(): void {
    for (const [requestId, since] of suspects) {
      if (performance.now() - since > SUSPECTS_KEPT_MS) suspects.delete(requestId);
    }
  }

  async function endTurns(turns: readonly OverdueTurn[]): Promise<void> {
    const outcomes = await conversations.settle(turns.map((turn) => endedTurn(turn, failureOf('deadline_exceeded'))));
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
  async function look(): Promise<number> {
    const overdue = await conversations.overdue(graceMs, TOGETHER);
    if (overdue.length === 0) return 0;
    const open = overdue.filter(({ state }) => state === 'accepting' || state === 'queued');
    await conversations.close(overdue.filter((turn) => !open.includes(turn)));

    const messages = await messagesWaiting();
    if (messages === undefined) return 0;
    const places = await placesOf(open.map(({ requestId }) => requestId));
    const seemsLost = ({ createdAt }: OverdueTurn, index: number) => {
      const lateMs = Date.now() - Date.parse(createdAt) - requestDeadlineMs;
      if (!isNowhere(places[index]!)) return lateMs > PATIENCE_MS.withJob;
      return messages === 0 || lateMs > PATIENCE_MS.withMessages;
    };
    const suspected = open.filter(seemsLost);
    const late = open.filter((turn) => !suspected.includes(turn));
    for (const { requestId } of late) suspects.delete(requestId);
    const lost = suspected.filter(isSurelyLost);
    const unsure = suspected.filter((turn) => !lost.includes(turn));
    await conversations.postpone(late, LOOK_AGAIN_MS - graceMs);
    await conversations.postpone(unsure, sureAfterMs - graceMs);
    await endTurns(lost.filter(({ state }) => state === 'queued'));
    await Promise.all(lost.filter(({ state }) => state === 'accepting').map((turn) => conversations.discard(turn)));
    for (const { requestId } of lost) suspects.delete(requestId);
    return overdue.length;
  }

  return async () => {
    forgetOldSuspects();
    while ((await look()) === TOGETHER);
  };
}

const isNowhere = ({ kind }: PlaceInLine) => kind === 'none' || kind === 'finished';
