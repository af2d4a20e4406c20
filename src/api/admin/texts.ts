import { type Request, type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { ConversationStore, SessionPage } from '../../adapters/conversations/conversation-store.ts';
import type { TextAccessStore } from '../../adapters/logins/text-access-store.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import type { DeadLetterAdmin } from '../../contracts/dead-letters.ts';
import { ApiError } from '../../contracts/errors.ts';
import {
  type TextAccess,
  takeTextAccessBody,
  textAccess,
  type ViewedConversation,
  type ViewedDeadLetter,
  viewConversationBody,
  viewDeadLetterBody,
  viewedConversation,
  viewedDeadLetter,
} from '../../contracts/http/text-bodies.ts';
import { auditedFor } from '../audit.ts';
import { orBadCursor } from '../chat/bad-cursor.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';
import { orInUse } from './dead-letters.ts';

const TURNS_SHOWN = 50;
/** Long enough for one case, and short enough to be asked about it. */
const EMERGENCY_MS = 30 * 60_000;

/**
 * `/texts` of the admin's API: texts of users, for those who may read them. Nothing is shown before the audit trail has who asked
 * for it, and why.
 * @param options.onEmergency hears that somebody has taken access
 * @param options.requireAdmin lets those pass whose role may read texts, or who have taken access
 */
export function createTextsRouter(options: {
  conversations: Pick<ConversationStore, 'session'>;
  deadLetters: Pick<DeadLetterAdmin, 'showBodies'>;
  access: TextAccessStore;
  trail: AuditTrail;
  onEmergency: () => void;
  requireAdmin: RequestHandler;
}): Router {
  const { conversations, deadLetters, access, trail, onEmergency, requireAdmin } = options;

  const viewing = <T>(
    req: Request,
    view: { kind: 'session' | 'queue'; id: string; userId?: string; reason: string },
    show: () => Promise<T>,
    count: (shown: T) => number,
  ): Promise<T> => {
    const { kind, id, userId, reason } = view;
    const by = req.user!.role === 'privacy_officer' ? 'role' : 'emergency_access';
    const details = { reason, by, ...(userId !== undefined && { filter: { userId } }) };
    const event = { action: 'text.view' as const, subject: { kind, id }, details };
    return auditedFor({ req, trail }, event, show, (shown) => ({ details: { count: count(shown) } }));
  };

  return Router()
    .use('/texts', requireAdmin, readJsonBody)
    .post('/texts/conversation', async (req, res) => {
      const { userId, sessionId, reason, cursor } = parse(viewConversationBody, req.body ?? {});
      const read = async () => {
        const page = await orBadCursor(conversations.session(sessionId, userId, { limit: TURNS_SHOWN, cursor }));
        if (!page) throw new ApiError('not_found', { detail: 'This user has no such conversation.' });
        return page;
      };
      const view = { kind: 'session', id: sessionId, userId, reason } as const;
      res.json(conversationBody(userId, await viewing(req, view, read, ({ turns }) => turns.length)));
    })
    .post('/texts/dead-letter', async (req, res) => {
      const { queue, messageId, reason } = parse(viewDeadLetterBody, req.body ?? {});
      const read = async () => {
        const { letters } = await orInUse(deadLetters.showBodies(queue, { messageId, limit: 1, full: true }));
        if (!letters[0]) throw new ApiError('not_found', { detail: 'No dead letter of this queue has this id.' });
        return letters[0];
      };
      const { body, encoding, texts } = await viewing(
        req,
        { kind: 'queue', id: `${queue}.dlq`, reason },
        read,
        () => 1,
      );
      res.json({ queue, messageId, body, encoding, texts } satisfies ViewedDeadLetter);
    })
    .post('/texts/access', async (req, res) => {
      const { reason } = parse(takeTextAccessBody, req.body ?? {});
      const until = new Date(Date.now() + EMERGENCY_MS).toISOString();
      await auditedFor({ req, trail }, { action: 'text.access', details: { reason, until } }, () => {
        // Before it counts, so that nobody has access without an alert.
        onEmergency();
        return access.give(req.user!.userId, EMERGENCY_MS);
      });
      res.json({ until } satisfies TextAccess);
    });
}

const conversationBody = (userId: string, { session, turns, nextCursor }: SessionPage): ViewedConversation => ({
  sessionId: session.sessionId,
  userId,
  title: session.title,
  turns: turns.map(({ requestId, message, createdAt, answer }) => ({
    requestId,
    status: answer?.status ?? 'queued',
    question: message,
    answer: answer?.response ?? null,
    createdAt,
    completedAt: answer?.completedAt ?? null,
  })),
  nextCursor,
});

const tags = ['Admin'];
const faults = [
  ...(['validation_failed', ...bodyFaults, 'unauthenticated', 'forbidden'] as const),
  ...(['store_unavailable', 'identity_unavailable'] as const),
] as const;

/** The OpenAPI description of these routes. */
export const textPaths: ZodOpenApiPathsObject = {
  '/admin/texts/conversation': {
    post: {
      tags,
      security: bearer,
      summary: 'Read a conversation of a user',
      description: 'The audit trail keeps who has read it, and why.',
      operationId: 'viewConversation',
      requestBody: jsonBody(viewConversationBody),
      responses: { 200: json('A page of it.', viewedConversation), ...problems('not_found', ...faults) },
    },
  },
  '/admin/texts/dead-letter': {
    post: {
      tags,
      security: bearer,
      summary: 'Read the body of a dead letter',
      description: 'The audit trail keeps who has read it, and why.',
      operationId: 'viewDeadLetter',
      requestBody: jsonBody(viewDeadLetterBody),
      responses: {
        200: json('The body.', viewedDeadLetter),
        ...problems('not_found', 'dead_letters_in_use', 'broker_unavailable', ...faults),
      },
    },
  },
  '/admin/texts/access': {
    post: {
      tags,
      security: bearer,
      summary: 'Take access to texts, in an emergency',
      description:
        'For somebody whose role may not read texts. It lasts 30 minutes. The audit trail keeps the reason, and an alert tells ' +
        'those who are in charge at once.',
      operationId: 'takeTextAccess',
      requestBody: jsonBody(takeTextAccessBody),
      responses: { 200: json('You have it.', textAccess), ...problems(...faults) },
    },
  },
};
