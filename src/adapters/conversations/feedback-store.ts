import type { TurnAddress } from '../../contracts/conversation.ts';
import type { Feedback, RatedAnswer, Rating } from '../../contracts/feedback.ts';

export interface NewFeedback extends Feedback {
  /** Who gave the answer. null: not known. */
  provider: string | null;
  model: string | null;
}

/** What a turn's feedback was before it changed. null: there was none. */
export interface Earlier {
  rating: Rating | null;
}

/**
 * What users think of answers. Feedback is kept with its turn, and is erased with it. A turn has at most one, so
 * giving it again replaces it. Every method can be repeated without harm, and rejects with StoreUnavailableError if
 * the store is out of reach.
 */
export interface FeedbackStore {
  /** Keeps the feedback with the user's turn. Returns undefined if the user has no such turn, or it has no answer. */
  rate(turn: TurnAddress, feedback: NewFeedback): Promise<Earlier | undefined>;
  /** Removes the feedback of the user's turn. Returns undefined if the user has no such turn, or it has no answer. */
  withdraw(turn: TurnAddress): Promise<Earlier | undefined>;
  /**
   * Returns all feedback that was given in a span of time, both ends included, oldest first. Feedback that changes
   * meanwhile may come twice, as it was and as it is.
   * @param span ms since 1970
   */
  given(span: { from: number; until: number }): AsyncIterable<RatedAnswer>;
}
