import type { RequestHandler } from 'express';
import type { HistoryStore } from '../../adapters/history/history-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { SessionNow } from '../../contracts/http.ts';
import { parseId } from '../validate.ts';
import type { SessionEraser } from './erase-session.ts';
import { ENDED, type Line } from './line.ts';

/** GET /chat/session/:sessionId */
export function getSession(history: Pick<HistoryStore, 'session'>, line: Pick<Line, 'standing'>): RequestHandler {
  return async (req, res) => {
    const session = await history.session(parseId(req.params.sessionId), req.user!.userId);
    if (!session) throw new ApiError('not_found');
    const latest = session.turns.at(-1);
    const stands = latest?.status === 'queued' ? await line.standing(latest.requestId) : ENDED;
    res.json({ ...session, ...stands } satisfies SessionNow);
  };
}

/** DELETE /chat/session/:sessionId */
export function deleteSession(eraser: Pick<SessionEraser, 'erase'>): RequestHandler {
  return async (req, res) => {
    await eraser.erase(parseId(req.params.sessionId), req.user!.userId);
    res.status(204).end();
  };
}
