import type { RequestHandler } from 'express';
import type { AnswerLogKeeper } from '../../adapters/answer-log/answer-log.ts';
import type { ConversationStore, UnsettledTurn } from '../../adapters/conversations/conversation-store.ts';
import type { Turn } from '../../contracts/conversation.ts';
import { ApiError } from '../../contracts/errors.ts';
import { limits } from '../../contracts/limits.ts';
import { parseId } from '../validate.ts';
import type { AnswerWaiter } from './answer-waiter.ts';
import { sessionBody, turnWithSession } from './bodies.ts';
import { endedTurn } from './ended-turn.ts';
import { TURNS_SHOWN } from './session.ts';

export interface CancelOptions {
  conversations: Pick<ConversationStore, 'unsettled' | 'settle' | 'session' | 'sessionOf' | 'turn'>;
  /** Stops the work on these requests of a user, wherever they are. Resolves once a failover cannot undo it. */
  cancelRequests: (userId: string, requestIds: string[]) => Promise<void>;
  /** Tells clients that wait at this process. They get no notice of what this process writes down itself. */
  answerWaiter: Pick<AnswerWaiter, 'settled'>;
  logs: Pick<AnswerLogKeeper, 'end'>;
}

/**
 * POST /chat/session/:sessionId/cancel: cancels each turn that has not ended, including turns that the broker has not
 * confirmed yet. The user sees them as cancelled at once. The work on them stops, and answers that still come are
 * dropped. A session in which all turns have ended stays as it is.
 */
export function cancelSession(options: CancelOptions): RequestHandler {
  return async (req, res) => {
    const sessionId = parseId(req.params.sessionId);
    const { userId } = req.user!;
    const turns = await options.conversations.unsettled(sessionId, userId);
    if (!turns) throw new ApiError('not_found');
    await cancelTurns(options, { sessionId, userId }, turns);
    const page = await options.conversations.session(sessionId, userId, { limit: TURNS_SHOWN });
    if (!page) throw new ApiError('not_found');
    res.json(sessionBody(page));
  };
}

/** POST /chat/requests/:requestId/cancel: cancels one question in the same way, and replies with its turn. */
export function cancelRequest(options: CancelOptions): RequestHandler {
  return async (req, res) => {
    const requestId = parseId(req.params.requestId);
    res.json(turnWithSession(await stopRequest(options, { requestId, userId: req.user!.userId })));
  };
}

/**
 * Stops one question, and returns its turn. One that has ended stays as it is.
 * @throws ApiError not_found
 * @throws StoreUnavailableError
 */
export async function stopRequest(
  options: CancelOptions,
  { requestId, userId }: { requestId: string; userId: string },
): Promise<Turn> {
  const { conversations } = options;
  const sessionId = await conversations.sessionOf(requestId, userId);
  const turns = sessionId === undefined ? undefined : await conversations.unsettled(sessionId, userId);
  if (sessionId === undefined || !turns) throw new ApiError('not_found');
  await cancelTurns(
    options,
    { sessionId, userId },
    turns.filter((turn) => turn.requestId === requestId),
  );
  const turn = await conversations.turn({ sessionId, requestId, userId });
  if (!turn) throw new ApiError('not_found');
  return turn;
}

async function cancelTurns(
  { conversations, cancelRequests, answerWaiter, logs }: CancelOptions,
  session: { sessionId: string; userId: string },
  turns: readonly UnsettledTurn[],
): Promise<void> {
  // Whoever ends a log first decides, also about the text. So the logs come before the worker is told, and before the turns.
  const { userId } = session;
  const streamed = turns.filter(({ stream }) => stream).map(({ requestId }) => ({ requestId, userId }));
  const at = new Date().toISOString();
  const ends = await logs.end(streamed, { type: 'cancelled', at, finishReason: 'cancelled' });
  // If readers have seen another end, that is on its way to the turn.
  const stopped = turns.filter(({ requestId }) => (ends.get(requestId)?.end ?? 'cancelled') === 'cancelled');
  if (stopped.length === 0) return;
  // The work is stopped before the turns end, so that a user who sees a cancelled turn can rely on it.
  await cancelRequests(
    userId,
    stopped.map(({ requestId }) => requestId),
  );
  const textOf = ({ requestId }: UnsettledTurn) => ends.get(requestId)?.text.slice(0, limits.responseChars);
  await conversations.settle(stopped.map((turn) => endedTurn({ ...session, ...turn, text: textOf(turn) })));
  for (const { requestId } of stopped) answerWaiter.settled(requestId, 'look');
}
