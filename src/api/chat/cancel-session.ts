import type { RequestHandler } from 'express';
import type { HistoryStore } from '../../adapters/history/history-store.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { Session, SessionTurn } from '../../contracts/http.ts';
import { parseId } from '../validate.ts';
import type { AnswerWaiter } from './answer-waiter.ts';

export interface CancelOptions {
  history: Pick<HistoryStore, 'session' | 'settle'>;
  /** Has the work on these requests stop, wherever it is. */
  cancelRequests: (requestIds: string[]) => Promise<void>;
  /** Whoever waits here hears nothing of what this process writes down itself. */
  answerWaiter: Pick<AnswerWaiter, 'settled'>;
}

/**
 * POST /chat/session/:sessionId/cancel: ends what is queued. The user sees it as cancelled at once; the work stops where
 * it is found, and an answer that comes all the same is dropped. A session with nothing queued is given as it is.
 */
export function cancelSession({ history, cancelRequests, answerWaiter }: CancelOptions): RequestHandler {
  return async (req, res) => {
    const sessionId = parseId(req.params.sessionId);
    const { userId } = req.user!;
    const session = await history.session(sessionId, userId);
    if (!session) throw new ApiError('not_found');
    const queued = session.turns.filter(({ status }) => status === 'queued');
    if (queued.length === 0) return void res.json(session);

    // The work first: whoever is told that it is cancelled can rely on it.
    await cancelRequests(queued.map(({ requestId }) => requestId));
    const now = Date.now();
    await history.settle(queued.map((turn) => cancelled(session, turn, userId, now)));
    for (const { requestId } of queued) answerWaiter.settled(requestId, 'look');
    const after = await history.session(sessionId, userId);
    if (!after) throw new ApiError('not_found');
    res.json(after);
  };
}

function cancelled(session: Session, turn: SessionTurn, userId: string, now: number): ChatResponse {
  const totalMs = Math.max(0, now - Date.parse(turn.createdAt));
  return {
    version: 1,
    requestId: turn.requestId,
    sessionId: session.sessionId,
    userId,
    status: 'cancelled',
    response: null,
    error: null,
    model: null,
    provider: null,
    cached: false,
    usage: null,
    finishReason: 'cancelled',
    attempts: 0,
    timings: { waitMs: totalMs, modelMs: 0, totalMs },
    completedAt: new Date(now).toISOString(),
  };
}
