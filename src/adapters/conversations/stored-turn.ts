import { answerOf, type Turn, type TurnAddress } from '../../contracts/conversation.ts';
import type { Feedback } from '../../contracts/feedback.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { Seals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import {
  type KeptAnswer,
  type KeptFeedback,
  type KeptMessage,
  type KeptQuestion,
  openAnswer,
  openFeedback,
  openMessage,
} from './sealed-texts.ts';

/** The fields of a turn in the session's hash. It has a state until it has an answer. */
export interface StoredTurn {
  requestId: string;
  question: string | null | undefined;
  state: string | null | undefined;
  answer: string | null | undefined;
  feedback: string | null | undefined;
}

/** Returns the turn as its user sees it; undefined if the user may not see it, or its texts are erased. */
export function visibleTurn(
  seals: Seals,
  { sessionId, userId }: { sessionId: string; userId: string },
  { requestId, question, state, answer, feedback }: StoredTurn,
): Turn | undefined {
  if (!question || (!answer && state !== 'queued')) return undefined;
  const kept = readQuestion(question);
  return turnOf(
    seals,
    { sessionId, requestId, userId },
    {
      kept,
      createdAt: kept.createdAt,
      answer: answer ? (JSON.parse(answer) as KeptAnswer) : undefined,
      feedback: feedback ? (JSON.parse(feedback) as KeptFeedback) : undefined,
    },
  );
}

/** Opens a turn. Returns undefined if its texts are erased. @throws MasterKeyMissingError */
export function turnOf(
  seals: Seals,
  turn: TurnAddress,
  stored: {
    kept: KeptMessage;
    createdAt: string;
    answer: KeptAnswer | undefined;
    feedback: KeptFeedback | undefined;
  },
): Turn | undefined {
  const message = openMessage(seals, turn, stored.kept);
  const answer = stored.answer && openAnswer(seals, turn, stored.answer);
  const feedback = stored.feedback && openFeedback(seals, turn, stored.feedback);
  if (message === undefined || !answer !== !stored.answer || !feedback !== !stored.feedback) return undefined;
  return {
    ...{ sessionId: turn.sessionId, requestId: turn.requestId, message, createdAt: stored.createdAt },
    answer: answer ? answerOf(answer) : null,
    feedback: feedback ? feedbackOf(feedback) : null,
  };
}

/**
 * Reads turns of a user in one round trip. Returns undefined for turns that are gone or not visible.
 *
 * The commands are sent together, but not as a pipeline of ioredis: that defines a property on each pipeline, and so V8
 * keeps a pipeline and all of its replies until it next collects all garbage. Until then, they are copied at each smaller
 * collection, which takes ten times as long.
 */
export async function readTurns(
  { redis, seals }: { redis: Redis; seals: Seals },
  userId: string,
  addresses: readonly { sessionId: string; requestId: string }[],
): Promise<(Turn | undefined)[]> {
  const commands = addresses.map(({ sessionId, requestId }) =>
    redis.hmget(redisKeys.turns(sessionId), `${requestId}:q`, `${requestId}:s`, `${requestId}:a`, `${requestId}:f`),
  );
  const replies = await orStoreUnavailable(Promise.all(commands));
  return replies.map(([question, state, answer, feedback], index) => {
    const { sessionId, requestId } = addresses[index]!;
    return visibleTurn(seals, { sessionId, userId }, { requestId, question, state, answer, feedback });
  });
}

/** @param question the turn's number, followed by JSON */
export const readQuestion = (question: string) => JSON.parse(question.slice(question.indexOf(' '))) as KeptQuestion;

/** The stored feedback also says who gave the answer. */
export const feedbackOf = ({ rating, reason, comment, ratedAt }: Feedback): Feedback => ({
  rating,
  reason,
  comment,
  ratedAt,
});
