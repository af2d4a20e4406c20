import type { RequestHandler } from 'express';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import { historyQuery } from '../../contracts/http/chat-bodies.ts';
import { parse } from '../validate.ts';
import { orBadCursor } from './bad-cursor.ts';
import { historyPageBody } from './bodies.ts';
import type { Line } from './line/line.ts';
import { readProgress } from './turn-progress.ts';

/**
 * GET /chat/history/:userId: a page of the user's own turns. Another user's id gets the same reply as an unknown one.
 */
export function getHistory(
  conversations: Pick<ConversationStore, 'history'>,
  line: Pick<Line, 'progress'>,
): RequestHandler {
  return async (req, res) => {
    const { userId } = req.user!;
    if (req.params.userId !== userId) throw new ApiError('not_found');
    const page = await orBadCursor(conversations.history(userId, parse(historyQuery, req.query)));
    res.json(historyPageBody(page, await readProgress(userId, page.turns, line)));
  };
}
