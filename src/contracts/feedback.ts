import { z } from 'zod';
import { limits } from './limits.ts';
import { timestamp } from './scalars.ts';

export const rating = z.enum(['up', 'down']);

/** Why an answer was good or bad. */
export const feedbackReason = z
  .enum([
    'helpful',
    'clear',
    'incorrect',
    'harmful',
    'incomplete',
    'unclear',
    'off_topic',
    'too_long',
    'too_slow',
    'other',
  ])
  .meta({
    id: 'FeedbackReason',
    description:
      '`incorrect`: it says what is not so. `harmful`: following it could harm somebody. `incomplete`: something is missing, ' +
      'or the answer was refused. `off_topic`: it answers another question.',
  });

/** What a user thinks of an answer. */
export const feedback = z
  .object({
    rating,
    reason: feedbackReason.nullable(),
    comment: z.string().max(limits.commentChars).nullable().describe('Only its user ever sees it.'),
    ratedAt: timestamp,
  })
  .meta({ id: 'Feedback' });

export type Rating = z.output<typeof rating>;
export type FeedbackReason = z.output<typeof feedbackReason>;
export type Feedback = z.output<typeof feedback>;

/** Feedback as others than its user may see it: without the comment, which is a text of the user. */
export interface RatedAnswer extends Omit<Feedback, 'comment'> {
  requestId: string;
  sessionId: string;
  userId: string;
  /** Whether there is a comment. */
  commented: boolean;
  /** Who gave the answer. null: not known. */
  provider: string | null;
  model: string | null;
}
