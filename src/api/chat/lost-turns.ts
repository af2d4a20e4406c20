import type { Logger } from 'pino';
import type { AnswerLogKeeper } from '../../adapters/answer-log/answer-log.ts';
import type { ConversationStore, OverdueTurn } from '../../adapters/conversations/conversation-store.ts';
import type { PlaceInLine, UsersRequest } from '../../adapters/jobs/place-in-line.ts';
import { failureOf } from '../../contracts/error-codes.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../contracts/queues.ts';
import type { AnswerWaiter } from './answer-waiter.ts';
import { endedTurn } from './ended-turn.ts';

/** How many turns are looked at together, the oldest first. */
const TOGETHER = 500;

/** How long we wait before we believe each of these observations, and why. */
const PATIENCE_MS = {
  /**
   * A turn seems lost. But a message that a worker or an api has just received is in no queue, and its job or its turn
   * is not written yet. After an outage this is true of many messages for a moment.
   */
  seemsLost: 5_000,
  /** A turn may still be answered, and is looked at again after this time. */
  mayBeAnswered: 60_000,
  /**
   * Messages still wait in the queues, and one of them may be the question. Then its worker will end the turn. The
   * queues of a busy system may never be empty, so there must be a limit.
   */
  messagesWait: 15 * 60_000,
  /** The question still has a job, whose worker will end the turn. */
  hasJob: 3_600_000,
  /** A turn that seemed lost once and was not seen again has ended in another way. We need not remember it. */
  notSeenAgain: 10 * 60_000,
};

export interface LostTurnsOptions {
  conversations: Pick<ConversationStore, 'overdue' | 'postpone' | 'close' | 'discard' | 'settle'>;
  /** The log of a lost turn ends with its failure. */
  logs: Pick<AnswerLogKeeper, 'end'>;
  /** Finds where the jobs of these requests are. */
  placesOf: (requests: readonly UsersRequest[]) => Promise<PlaceInLine[]>;
  /** Counts the messages that wait in each of our queues; undefined: the broker is out of reach. */
  queueDepths: () => Promise<Record<string, number> | undefined>;
  requestDeadlineMs: number;
  /** How much longer than its deadline we wait for a turn's answer. */
  graceMs: number;
  /** Tells clients that wait at this process. They get no notice of what this process writes down itself. */
  answerWaiter: Pick<AnswerWaiter, 'settled'>;
  onLost: () => void;
  logger: Logger;
}

/**
 * Ends the turns that nobody else will end, because a queue was emptied or a store has lost something. Several
 * processes may do this at once.
 *
 * A turn that has not ended by its deadline is *overdue*. An overdue turn has one of these states:
 * - *late* while it has a job, or while messages wait. We ignore it, because its worker will find that the deadline has
 *   passed.
 * - *seeming lost* with neither. It is looked at again after a few seconds.
 * - *lost* if it still seems lost then. The question fails with `deadline_exceeded`. If its publishing was never
 *   confirmed, its user has never seen it, so it is removed instead.
 *
 * @returns a function that ends the turns that are lost now; one round trip if none is overdue
 */
export function createLostTurns(options: LostTurnsOptions): () => Promise<void> {
  const { conversations, logs, placesOf, queueDepths, requestDeadlineMs, graceMs, answerWaiter, onLost, logger } =
    options;
  const failure = failureOf('deadline_exceeded');
  const sureAfterMs = Math.min(PATIENCE_MS.seemsLost, graceMs);
  /** Since when each turn has seemed lost, by requestId, in ms of the monotonic clock. */
  const suspects = new Map<string, number>();

  /** Whether a turn has seemed lost for long enough. */
  function isSurelyLost({ requestId }: OverdueTurn): boolean {
    const since = suspects.get(requestId) ?? performance.now();
    suspects.set(requestId, since);
    return performance.now() - since >= sureAfterMs;
  }

  function forgetOldSuspects(): void {
    for (const [requestId, since] of suspects) {
      if (performance.now() - since > PATIENCE_MS.notSeenAgain) suspects.delete(requestId);
    }
  }

  async function endTurns(turns: readonly OverdueTurn[]): Promise<void> {
    const ends = turns.map((turn) => endedTurn(turn, failure));
    const outcomes = await conversations.settle(ends);
    for (const [index, { requestId, userId, sessionId, traceId, stream }] of turns.entries()) {
      if (outcomes[index] !== 'settled') continue;
      onLost();
      // If this fails, readers still learn the end from the turn.
      const at = ends[index]!.completedAt;
      if (stream)
        logs.end([{ requestId, userId }], { type: 'failed', at, error: failure, attempts: 0 }).catch(() => {});
      answerWaiter.settled(requestId, 'look');
      logger.warn(
        { requestId, sessionId, traceId },
        'a question was lost: no job and no message is left of it, so it has failed with deadline_exceeded',
      );
    }
  }

  /** Looks at the turns that have been overdue for the longest time, and returns how many there were. */
  async function look(): Promise<number> {
    const overdue = await conversations.overdue(graceMs, TOGETHER);
    if (overdue.length === 0) return 0;
    const open = overdue.filter(({ state }) => state === 'accepting' || state === 'queued');
    await conversations.close(overdue.filter((turn) => !open.includes(turn)));

    const depths = await queueDepths();
    if (!depths) return 0;
    const messages = depths[REQUESTS_QUEUE]! + depths[RESPONSES_QUEUE]!;
    const places = await placesOf(open);
    const seemsLost = ({ createdAt }: OverdueTurn, index: number) => {
      const lateMs = Date.now() - Date.parse(createdAt) - requestDeadlineMs;
      if (!isNowhere(places[index]!)) return lateMs > PATIENCE_MS.hasJob;
      return messages === 0 || lateMs > PATIENCE_MS.messagesWait;
    };
    const suspected = open.filter(seemsLost);
    const late = open.filter((turn) => !suspected.includes(turn));
    for (const { requestId } of late) suspects.delete(requestId);
    const lost = suspected.filter(isSurelyLost);
    const unsure = suspected.filter((turn) => !lost.includes(turn));
    await conversations.postpone(late, PATIENCE_MS.mayBeAnswered - graceMs);
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
