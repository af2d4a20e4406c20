import { z } from 'zod';
import { limits } from '../limits.ts';
import { timestamp } from '../scalars.ts';
import { oneLine } from '../title.ts';
import { cursor, limitUpTo100 } from './paging.ts';

export const title = z
  .string()
  .nullable()
  .describe(
    'A single line: the beginning of the first question, until the user chooses another title. null: the first question ' +
      'has nothing to make a title from, or is gone.',
  );

export const sessionSummary = z
  .object({
    sessionId: z.string(),
    title,
    createdAt: timestamp,
    updatedAt: timestamp.describe('When a question was last accepted, or an answer written down.'),
  })
  .meta({ id: 'SessionSummary', description: 'A session without its turns.' });

export const sessionsQuery = z.object({
  limit: limitUpTo100(20).describe('Most sessions of the page.'),
  cursor,
  search: z
    .string()
    .max(limits.searchChars)
    .optional()
    .transform((text) => text?.trim() || undefined)
    .describe('Only sessions that have this in their titles. Capital letters do not matter.'),
});

export const sessionsPage = z
  .object({
    items: z.array(sessionSummary).describe('The one with the newest question first.'),
    nextCursor: z
      .string()
      .nullable()
      .describe(
        'null on the last page. A page of a search may have fewer items than `limit`, or none, and still go on.',
      ),
  })
  .meta({ id: 'SessionsPage' });

export const renameBody = z
  .strictObject({
    title: z
      .string()
      .max(limits.titleChars)
      .overwrite(oneLine)
      .min(1)
      .describe('A single line. Line breaks become spaces, and control characters are left out.')
      .meta({ example: 'Healthy eating' }),
  })
  .meta({ id: 'RenameSession' });

export type SessionSummary = z.output<typeof sessionSummary>;
export type SessionsPageBody = z.output<typeof sessionsPage>;
