import type { RequestHandler } from 'express';
import type { HistoryStore } from '../../adapters/history/history-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import { historyQuery } from '../../contracts/http.ts';
import { parse } from '../validate.ts';

/** GET /chat/history/:userId: one's own. */
export function getHistory(history: Pick<HistoryStore, 'history'>): RequestHandler {
  return async (req, res) => {
    const { userId } = req.user!;
    if (req.params.userId !== userId) throw new ApiError('not_found');
    res.json(await history.history(userId, parse(historyQuery, req.query)));
  };
}
