import { type RequestHandler, Router } from 'express';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import { type CancelOptions, cancelRequest, cancelSession } from './cancel.ts';
import type { SessionEraser } from './erase-session.ts';
import { getHistory } from './history.ts';
import { type SendOptions, sendMessage } from './send.ts';
import { deleteSession, getSession } from './session.ts';

export interface ChatRouterOptions extends SendOptions, Pick<CancelOptions, 'cancelRequests'> {
  /** Sets `req.user`, or answers 401. */
  authenticate: RequestHandler;
  /** Answer 429 to a user who asks too often. */
  limitSend: RequestHandler;
  limitRead: RequestHandler;
  conversations: ConversationStore;
  eraser: SessionEraser;
}

/** The chat's routes; whoever comes in is known, and within the limits. */
export function createChatRouter(options: ChatRouterOptions): Router {
  const { authenticate, limitSend, limitRead, conversations, eraser } = options;
  return Router()
    .post('/chat/send', authenticate, limitSend, sendMessage(options))
    .get('/chat/session/:sessionId', authenticate, limitRead, getSession(options))
    .post('/chat/session/:sessionId/cancel', authenticate, limitRead, cancelSession(options))
    .post('/chat/requests/:requestId/cancel', authenticate, limitRead, cancelRequest(options))
    .delete('/chat/session/:sessionId', authenticate, limitRead, deleteSession(eraser))
    .get('/chat/history/:userId', authenticate, limitRead, getHistory(conversations, options.line));
}
