import type { RequestHandler } from 'express';
import type { HistoryStore } from '../../adapters/history/history-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import { parseId } from '../validate.ts';
import type { SessionEraser } from './erase-session.ts';

/** GET /chat/session/:sessionId */
export function getSession(history: Pick<HistoryStore, 'session'>): RequestHandler {
  return async (req, res) => {
    const session = await history.session(parseId(req.params.sessionId), req.user!.userId);
    if (!session) throw new ApiError('not_found');
    res.json(session);
  };
}

/** DELETE /chat/session/:sessionId */
export function deleteSession(eraser: Pick<SessionEraser, 'erase'>): RequestHandler {
  return async (req, res) => {
    await eraser.erase(parseId(req.params.sessionId), req.user!.userId);
    res.status(204).end();
  };
}
