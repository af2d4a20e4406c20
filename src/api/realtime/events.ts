import type { RequestHandler, Response } from 'express';
import type { AnswerLogReader } from '../../adapters/answer-log/answer-log.ts';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import { type AnswerWaiter, LONGEST_WAIT_MS } from '../chat/answer-waiter.ts';
import { parseId } from '../validate.ts';
import type { EventStream, EventStreams } from './event-streams.ts';
import { followAnswer } from './follow-answer.ts';
import { positionInSession, readPosition, readPositionInSession } from './read-position.ts';

export interface EventsOptions {
  conversations: Pick<ConversationStore, 'session' | 'sessionOf' | 'turn'>;
  answerWaiter: Pick<AnswerWaiter, 'watch'>;
  logReader: Pick<AnswerLogReader, 'read'>;
  streams: EventStreams;
  /** Called when a reader resumes after an event that it has. */
  onResumed: () => void;
}

/**
 * GET /chat/requests/:requestId/events: the events of a question until its end, or those after a number. 204 if there are
 * none after it, and none will come.
 */
export function getRequestEvents(options: EventsOptions): RequestHandler {
  const { conversations, streams } = options;
  return async (req, res) => {
    const requestId = parseId(req.params.requestId);
    const { userId } = req.user!;
    const after = readPosition(req);
    const sessionId = await conversations.sessionOf(requestId, userId);
    if (sessionId === undefined) throw new ApiError('not_found');
    const stream = streams.open(res, userId);
    const question = { sessionId, requestId, after };
    const any = await follow(options, { ...question, idOf: String }, stream, res);
    if (!any) res.status(204).end();
  };
}

/**
 * GET /chat/session/:sessionId/events: the same for the session's newest question. A reader that resumes gets the rest of
 * its question first. If it has the end of that, it gets the newest.
 */
export function getSessionEvents(options: EventsOptions): RequestHandler {
  const { conversations, streams } = options;
  return async (req, res) => {
    const sessionId = parseId(req.params.sessionId);
    const { userId } = req.user!;
    const position = readPositionInSession(req);
    const page = await conversations.session(sessionId, userId, { limit: 1 });
    if (!page) throw new ApiError('not_found');
    const newest = page.latest.requestId;
    const stream = streams.open(res, userId);
    const tell = (requestId: string, after: number) => {
      const idOf = (number: number) => positionInSession(requestId, number);
      return follow(options, { sessionId, requestId, after, idOf }, stream, res);
    };
    // What was asked on may be gone, or belong to another session. Then the newest begins.
    const known = position && (await conversations.turn(sessionId, position.requestId)) ? position : undefined;
    const any =
      (known && (await tell(known.requestId, known.after))) ||
      (known?.requestId !== newest && (await tell(newest, -1)));
    if (!any) res.status(204).end();
  };
}

/** @returns whether there was anything to send */
async function follow(
  { conversations, answerWaiter, logReader, onResumed }: EventsOptions,
  question: { sessionId: string; requestId: string; after: number; idOf: (number: number) => string },
  stream: EventStream,
  res: Response,
): Promise<boolean> {
  const { sessionId, requestId, after, idOf } = question;
  const watch = await answerWaiter.watch(requestId, LONGEST_WAIT_MS);
  res.once('close', () => watch.close());
  try {
    const readTurn = () => conversations.turn(sessionId, requestId);
    // The watch comes first, because there is no notice of a turn that ended before it.
    const turn = await readTurn();
    if (!turn) throw new ApiError('not_found');
    Object.assign(res.locals, { requestId, sessionId });
    if (after >= 0) onResumed();
    return await followAnswer(logReader, stream, { requestId, after, watch, answer: turn.answer, readTurn, idOf });
  } finally {
    watch.close();
  }
}
