import type { ChatResponse } from '../../contracts/chat-response.ts';
import { answerOf, type Turn } from '../../contracts/conversation.ts';
import type { Feedback } from '../../contracts/feedback.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';

/** The fields of a turn in the session's hash. It has a state until it has an answer. */
export interface StoredTurn {
  requestId: string;
  question: string | null | undefined;
  state: string | null | undefined;
  answer: string | null | undefined;
  feedback: string | null | undefined;
}

/** Returns the turn as its user sees it; undefined if the user may not see it. */
export function visibleTurn(
  sessionId: string,
  { requestId, question, state, answer, feedback }: StoredTurn,
): Turn | undefined {
  if (!question || (!answer && state !== 'queued')) return undefined;
  const { message, createdAt } = readQuestion(question);
  return {
    sessionId,
    requestId,
    message,
    createdAt,
    answer: answer ? answerOf(JSON.parse(answer) as ChatResponse) : null,
    feedback: feedback ? feedbackOf(JSON.parse(feedback) as Feedback) : null,
  };
}

/**
 * Reads turns in one round trip. Returns undefined for turns that are gone or not visible.
 *
 * The commands are sent together, but not as a pipeline of ioredis: that defines a property on each pipeline, and so V8
 * keeps a pipeline and all of its replies until it next collects all garbage. Until then, they are copied at each smaller
 * collection, which takes ten times as long.
 */
export async function readTurns(
  redis: Redis,
  addresses: readonly { sessionId: string; requestId: string }[],
): Promise<(Turn | undefined)[]> {
  const commands = addresses.map(({ sessionId, requestId }) =>
    redis.hmget(redisKeys.turns(sessionId), `${requestId}:q`, `${requestId}:s`, `${requestId}:a`, `${requestId}:f`),
  );
  const replies = await orStoreUnavailable(Promise.all(commands));
  return replies.map(([question, state, answer, feedback], index) => {
    const { sessionId, requestId } = addresses[index]!;
    return visibleTurn(sessionId, { requestId, question, state, answer, feedback });
  });
}

/** @param question the turn's number, followed by JSON */
export const readQuestion = (question: string) =>
  JSON.parse(question.slice(question.indexOf(' '))) as {
    message: string;
    createdAt: string;
    traceId?: string;
    stream?: boolean;
  };

/** The stored feedback also says who gave the answer. */
export const feedbackOf = ({ rating, reason, comment, ratedAt }: Feedback): Feedback => ({
  rating,
  reason,
  comment,
  ratedAt,
});
