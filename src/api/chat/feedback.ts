import type { RequestHandler } from 'express';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import type { FeedbackStore } from '../../adapters/conversations/feedback-store.ts';
import type { Answer } from '../../contracts/conversation.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { Feedback, Rating } from '../../contracts/feedback.ts';
import { feedbackBody } from '../../contracts/http/feedback-bodies.ts';
import { parse, parseId } from '../validate.ts';

/** A user has rated an answer, has changed their mind, or has withdrawn the rating. */
export interface RatingChange {
  model: string | null;
  /** null: not rated. */
  was: Rating | null;
  is: Rating | null;
}

export interface FeedbackOptions {
  conversations: Pick<ConversationStore, 'sessionOf' | 'turn'>;
  feedback: Pick<FeedbackStore, 'rate' | 'withdraw'>;
  onRated: (change: RatingChange) => void;
}

/** PUT /chat/requests/:requestId/feedback */
export function putFeedback(options: FeedbackOptions): RequestHandler {
  return async (req, res) => {
    const requestId = parseId(req.params.requestId);
    const { rating, reason = null, comment = null } = parse(feedbackBody, req.body);
    const { userId } = req.user!;
    const { sessionId, answer } = await answerTo(options, requestId, userId);
    const given: Feedback = { rating, reason, comment, ratedAt: new Date().toISOString() };
    const { model, provider } = answer;
    const earlier = await options.feedback.rate({ sessionId, requestId, userId }, { ...given, model, provider });
    if (!earlier) throw new ApiError('not_found');
    options.onRated({ model, was: earlier.rating, is: rating });
    res.json(given);
  };
}

/** DELETE /chat/requests/:requestId/feedback */
export function deleteFeedback(options: FeedbackOptions): RequestHandler {
  return async (req, res) => {
    const requestId = parseId(req.params.requestId);
    const { userId } = req.user!;
    const { sessionId, answer } = await answerTo(options, requestId, userId);
    const earlier = await options.feedback.withdraw({ sessionId, requestId, userId });
    if (!earlier) throw new ApiError('not_found');
    if (earlier.rating) options.onRated({ model: answer.model, was: earlier.rating, is: null });
    res.status(204).end();
  };
}

/** @throws ApiError not_found, no_answer */
async function answerTo(
  { conversations }: FeedbackOptions,
  requestId: string,
  userId: string,
): Promise<{ sessionId: string; answer: Answer }> {
  const sessionId = await conversations.sessionOf(requestId, userId);
  const turn = sessionId === undefined ? undefined : await conversations.turn({ sessionId, requestId, userId });
  if (!turn) throw new ApiError('not_found');
  if (!turn.answer?.response) throw new ApiError('no_answer');
  return { sessionId: turn.sessionId, answer: turn.answer };
}
