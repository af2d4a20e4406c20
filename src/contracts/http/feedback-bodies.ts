import { z } from 'zod';
import { feedback, feedbackReason, rating } from '../feedback.ts';
import { limits } from '../limits.ts';
import { timestamp } from '../scalars.ts';
import { absentIfEmpty } from './absent-if-empty.ts';

export const feedbackBody = z
  .strictObject({
    rating,
    reason: absentIfEmpty(feedbackReason),
    comment: absentIfEmpty(
      z
        .string()
        .max(limits.commentChars)
        .overwrite((text) => text.toWellFormed())
        .describe('Only you ever see it again.'),
    ),
  })
  .meta({ id: 'GiveFeedback' });

const moment = timestamp.transform((text) => Date.parse(text)).optional();

export const feedbackExportQuery = z.strictObject({
  from: moment.describe('Only feedback that was given then or later.'),
  until: moment.describe('Only feedback that was given then or earlier.'),
});

export const ratedAnswer = feedback
  .omit({ comment: true })
  .extend({
    requestId: z.string(),
    sessionId: z.string(),
    userId: z.string(),
    commented: z.boolean().describe('Whether the user has added a comment. Only that user may read it.'),
    provider: z.string().nullable(),
    model: z.string().nullable(),
  })
  .meta({ id: 'RatedAnswer', description: 'A line of the export. It has no text of a user.' });
