import type { ChatResponse } from './chat-response.ts';
import type { Feedback } from './feedback.ts';

/** A user's question and, once there is one, the answer to it. */
export interface Turn {
  sessionId: string;
  requestId: string;
  message: string;
  /** When it was asked, ISO 8601. */
  createdAt: string;
  /** null: the turn has not ended. */
  answer: Answer | null;
  /** What the user thinks of the answer. */
  feedback: Feedback | null;
}

/** How a turn has ended: what the model said, or why it said nothing. */
export type Answer = Omit<ChatResponse, 'version' | 'requestId' | 'sessionId' | 'userId' | 'answerKey'>;

/** A conversation, without its turns. */
export interface Session {
  sessionId: string;
  /**
   * A single line, made from the first question until the user chooses another one. null: an earlier version began the
   * session, and its first question is gone.
   */
  title: string | null;
  /** ISO 8601. */
  createdAt: string;
  /** When a question was last accepted, or an answer written down. ISO 8601. */
  updatedAt: string;
}

/** Where a turn is kept, and whose it is. */
export interface TurnAddress {
  sessionId: string;
  requestId: string;
  userId: string;
}

/**
 * Returns what a message of `chat_responses` says about its turn. Earlier versions wrote messages without a
 * `finishReason`. A cancelled turn always gets one.
 */
export const answerOf = ({
  status,
  response,
  error,
  model,
  provider,
  cached,
  usage,
  partialUsage,
  finishReason,
  attempts,
  timings,
  completedAt,
}: ChatResponse): Answer => ({
  status,
  response,
  error,
  model,
  provider,
  cached,
  usage,
  ...(partialUsage && { partialUsage }),
  finishReason: finishReason ?? (status === 'cancelled' ? 'cancelled' : null),
  attempts,
  timings,
  completedAt,
});
