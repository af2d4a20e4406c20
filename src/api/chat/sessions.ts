import type { RequestHandler } from 'express';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import {
  renameBody,
  type SessionSummary,
  type SessionsPageBody,
  sessionsQuery,
} from '../../contracts/http/session-bodies.ts';
import { parse, parseId } from '../validate.ts';
import { orBadCursor } from './bad-cursor.ts';

/** GET /chat/sessions: a page of the user's own sessions. */
export function getSessions(conversations: Pick<ConversationStore, 'sessions'>): RequestHandler {
  return async (req, res) => {
    const page = orBadCursor(conversations.sessions(req.user!.userId, parse(sessionsQuery, req.query)));
    const { sessions, nextCursor } = await page;
    res.json({ items: sessions, nextCursor } satisfies SessionsPageBody);
  };
}

/** PATCH /chat/session/:sessionId: gives the session another title. */
export function patchSession(conversations: Pick<ConversationStore, 'rename'>): RequestHandler {
  return async (req, res) => {
    const sessionId = parseId(req.params.sessionId);
    const { title } = parse(renameBody, req.body);
    const session = await conversations.rename(sessionId, req.user!.userId, title);
    if (!session) throw new ApiError('not_found');
    res.json(session satisfies SessionSummary);
  };
}
