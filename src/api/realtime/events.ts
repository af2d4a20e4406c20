import type { RequestHandler } from 'express';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import { type Answer, answerOf, type Turn } from '../../contracts/conversation.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { AnswerWaiter, Watch } from '../chat/answer-waiter.ts';
import { parseId } from '../validate.ts';
import { endOfTurn } from './end-of-turn.ts';
import type { EventStreams } from './event-streams.ts';

/** The longest time that a timer can take: 24 days. A question ends long before that. */
const LONGEST_MS = 2 ** 31 - 1;

export interface EventsOptions {
  conversations: Pick<ConversationStore, 'session' | 'sessionOf' | 'turn'>;
  answerWaiter: Pick<AnswerWaiter, 'watch'>;
  streams: EventStreams;
}

/** GET /chat/requests/:requestId/events: the events of a question, until its end. */
export function getRequestEvents(options: EventsOptions): RequestHandler {
  const { conversations } = options;
  return async (req, res) => {
    const requestId = parseId(req.params.requestId);
    const { userId } = req.user!;
    const sessionId = await conversations.sessionOf(requestId, userId);
    if (sessionId === undefined) throw new ApiError('not_found');
    await streamEvents(options, { sessionId, requestId, userId }, res);
  };
}

/** GET /chat/session/:sessionId/events: the same for the session's newest question. */
export function getSessionEvents(options: EventsOptions): RequestHandler {
  return async (req, res) => {
    const sessionId = parseId(req.params.sessionId);
    const { userId } = req.user!;
    const page = await options.conversations.session(sessionId, userId, { limit: 1 });
    if (!page) throw new ApiError('not_found');
    await streamEvents(options, { sessionId, requestId: page.latest.requestId, userId }, res);
  };
}

async function streamEvents(
  { conversations, answerWaiter, streams }: EventsOptions,
  { sessionId, requestId, userId }: { sessionId: string; requestId: string; userId: string },
  res: Parameters<RequestHandler>[1],
): Promise<void> {
  const watch = await answerWaiter.watch(requestId, LONGEST_MS);
  res.once('close', () => watch.close());
  try {
    const readTurn = () => conversations.turn(sessionId, requestId);
    // The watch comes first, because there is no notice of a turn that ended before it.
    const turn = await readTurn();
    if (!turn) throw new ApiError('not_found');
    Object.assign(res.locals, { requestId, sessionId });
    const stream = streams.begin(res, userId);
    // If the store is away, the reader connects again.
    const answer = turn.answer ?? (await nextAnswer(watch, readTurn).catch(() => undefined));
    if (answer) await stream.send(endOfTurn(answer));
    stream.end();
  } finally {
    watch.close();
  }
}

/** Waits for the answer. undefined: the process stops, the reader has gone, or the session was erased. */
async function nextAnswer(watch: Watch, readTurn: () => Promise<Turn | undefined>): Promise<Answer | undefined> {
  for (let news = await watch.news(); news; news = await watch.news()) {
    if (news !== 'look') return answerOf(news);
    const turn = await readTurn();
    if (!turn || turn.answer) return turn?.answer ?? undefined;
  }
  return undefined;
}
