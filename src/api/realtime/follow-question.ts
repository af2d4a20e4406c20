import type { AnswerLogReader } from '../../adapters/answer-log/answer-log.ts';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import { type AnswerWaiter, LONGEST_WAIT_MS } from '../chat/answer-waiter.ts';
import { type AnswerReader, followAnswer } from './follow-answer.ts';

export interface FollowOptions {
  conversations: Pick<ConversationStore, 'session' | 'sessionOf' | 'turn'>;
  answerWaiter: Pick<AnswerWaiter, 'watch'>;
  logReader: Pick<AnswerLogReader, 'read'>;
  /** Called when a reader resumes after an event that it has. */
  onResumed: () => void;
}

/** A reader, as its way in sees it. */
export interface Follower {
  userId: string;
  /** Gives the reader of a question. A session may have two: that of the position, and the newest. */
  open: (question: { sessionId: string; requestId: string }) => AnswerReader;
  /** Aborted once the reader has gone. */
  gone: AbortSignal;
}

/**
 * Tells a follower the events of a question until its end, or those after a number.
 * @returns whether there were any. If not, none will come either
 * @throws ApiError not_found, and what `open` throws
 * @throws StoreUnavailableError
 */
export async function followRequest(
  options: FollowOptions,
  { requestId, after }: { requestId: string; after: number },
  follower: Follower,
): Promise<boolean> {
  const sessionId = await options.conversations.sessionOf(requestId, follower.userId);
  if (sessionId === undefined) throw new ApiError('not_found');
  return await follow(options, { sessionId, requestId, after }, follower);
}

/**
 * The same for the newest question of a session. A reader with a position gets the rest of that question first. If it has
 * the end of that, it gets the newest.
 */
export async function followSession(
  options: FollowOptions,
  { sessionId, position }: { sessionId: string; position: { requestId: string; after: number } | undefined },
  follower: Follower,
): Promise<boolean> {
  const { conversations } = options;
  const page = await conversations.session(sessionId, follower.userId, { limit: 1 });
  if (!page) throw new ApiError('not_found');
  const newest = page.latest.requestId;
  const tell = (requestId: string, after: number) => follow(options, { sessionId, requestId, after }, follower);
  // What was asked on may be gone, or belong to another session. Then the newest begins.
  const known =
    position && (await conversations.turn({ sessionId, requestId: position.requestId, userId: follower.userId }))
      ? position
      : undefined;
  if (known && (await tell(known.requestId, known.after))) return true;
  return known?.requestId !== newest && (await tell(newest, -1));
}

async function follow(
  { conversations, answerWaiter, logReader, onResumed }: FollowOptions,
  { sessionId, requestId, after }: { sessionId: string; requestId: string; after: number },
  { userId, open, gone }: Follower,
): Promise<boolean> {
  const watch = await answerWaiter.watch(requestId, LONGEST_WAIT_MS);
  const close = () => watch.close();
  gone.addEventListener('abort', close);
  if (gone.aborted) close();
  try {
    const readTurn = () => conversations.turn({ sessionId, requestId, userId });
    // The watch comes first, because there is no notice of a turn that ended before it.
    const turn = await readTurn();
    if (!turn) throw new ApiError('not_found');
    if (after >= 0) onResumed();
    const reader = open({ sessionId, requestId });
    return await followAnswer(logReader, reader, { requestId, userId, after, watch, answer: turn.answer, readTurn });
  } finally {
    gone.removeEventListener('abort', close);
    watch.close();
  }
}
