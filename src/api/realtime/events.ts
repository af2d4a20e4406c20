import type { Request, RequestHandler, Response } from 'express';
import { ApiError } from '../../contracts/errors.ts';
import { parseId } from '../validate.ts';
import { EVENT_STREAM_HEADERS, type EventStream, type EventStreams, readerOf } from './event-streams.ts';
import { type Follower, type FollowOptions, followRequest, followSession } from './follow-question.ts';
import { positionInSession, readPosition, readPositionInSession } from './read-position.ts';

export interface EventsOptions extends FollowOptions {
  streams: EventStreams;
}

/**
 * GET /chat/requests/:requestId/events: the events of a question until its end, or those after a number. 204 if there are
 * none after it, and none will come.
 */
export function getRequestEvents(options: EventsOptions): RequestHandler {
  return async (req, res) => {
    const requestId = parseId(req.params.requestId);
    const after = readPosition(req);
    const follower = followerOf(options.streams, req, res, () => String);
    if (!(await followRequest(options, { requestId, after }, follower))) res.status(204).end();
  };
}

/**
 * GET /chat/session/:sessionId/events: the same for the session's newest question. A reader that resumes gets the rest of
 * its question first. If it has the end of that, it gets the newest.
 */
export function getSessionEvents(options: EventsOptions): RequestHandler {
  return async (req, res) => {
    const sessionId = parseId(req.params.sessionId);
    const position = readPositionInSession(req);
    const idOf = (requestId: string) => (number: number) => positionInSession(requestId, number);
    const follower = followerOf(options.streams, req, res, idOf);
    if (!(await followSession(options, { sessionId, position }, follower))) res.status(204).end();
  };
}

/** HEAD on the events of a question: the headers of its stream, at once. */
export function headOfRequestEvents({ conversations }: Pick<EventsOptions, 'conversations'>): RequestHandler {
  return async (req, res) => {
    const sessionId = await conversations.sessionOf(parseId(req.params.requestId), req.user!.userId);
    if (sessionId === undefined) throw new ApiError('not_found');
    res.set(EVENT_STREAM_HEADERS).end();
  };
}

/** HEAD on the events of a session. */
export function headOfSessionEvents({ conversations }: Pick<EventsOptions, 'conversations'>): RequestHandler {
  return async (req, res) => {
    const page = await conversations.session(parseId(req.params.sessionId), req.user!.userId, { limit: 1 });
    if (!page) throw new ApiError('not_found');
    res.set(EVENT_STREAM_HEADERS).end();
  };
}

/** @param idOf gives the ids that the events of a question have on the wire */
function followerOf(
  streams: EventStreams,
  req: Request,
  res: Response,
  idOf: (requestId: string) => (number: number) => string,
): Follower {
  const user = req.user!;
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  let stream: EventStream | undefined;
  return {
    userId: user.userId,
    gone: gone.signal,
    open: ({ sessionId, requestId }) => {
      Object.assign(res.locals, { requestId, sessionId });
      stream ??= streams.open(res, user);
      return readerOf(stream, idOf(requestId));
    },
  };
}
