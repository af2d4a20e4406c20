import { z } from 'zod';
import { letterTexts } from '../dead-letters.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../queues.ts';
import { id, timestamp } from '../scalars.ts';
import { turnStatus } from './chat-bodies.ts';
import { cursor } from './paging.ts';
import { title } from './session-bodies.ts';

const REASON_CHARS = { min: 10, max: 500 };

const reason = z
  .string()
  .trim()
  .min(REASON_CHARS.min)
  .max(REASON_CHARS.max)
  .describe('Why you must read it. The audit trail keeps it, so write no text of a user into it.')
  .meta({ example: 'The patient asked the ombudsman about this answer, case 4711.' });

export const viewConversationBody = z
  .strictObject({ userId: id.describe('Whose conversation it is.'), sessionId: id, reason, cursor })
  .meta({ id: 'ViewConversation' });

export const viewedConversation = z
  .object({
    sessionId: z.string(),
    userId: z.string(),
    title,
    turns: z
      .array(
        z.object({
          requestId: z.string(),
          status: turnStatus,
          question: z.string(),
          answer: z.string().nullable(),
          createdAt: timestamp,
          completedAt: timestamp.nullable(),
        }),
      )
      .describe('Oldest first; without a `cursor`, the newest ones.'),
    nextCursor: z.string().nullable().describe('The `cursor` of the page with the turns before these; null: none.'),
  })
  .meta({ id: 'ViewedConversation', description: 'Texts of a user. Comments on answers are not among them.' });

export const viewDeadLetterBody = z
  .strictObject({ queue: z.enum([REQUESTS_QUEUE, RESPONSES_QUEUE]), messageId: id, reason })
  .meta({ id: 'ViewDeadLetter' });

export const viewedDeadLetter = z
  .object({
    queue: z.string(),
    messageId: z.string(),
    body: z.string(),
    encoding: z.enum(['utf-8', 'base64']),
    texts: letterTexts.describe(
      '`as_sent`: the body is as it came. `opened`: its texts were encrypted for their user, and are here as they were written. ' +
        '`cannot_be_opened`: their key was destroyed, or the api does not have it.',
    ),
  })
  .meta({ id: 'ViewedDeadLetter', description: 'The body of a dead letter.' });

export const takeTextAccessBody = z.strictObject({ reason }).meta({ id: 'TakeTextAccess' });

export const textAccess = z
  .object({ until: timestamp.describe('Until then you may read texts.') })
  .meta({ id: 'TextAccess' });

export type ViewedConversation = z.output<typeof viewedConversation>;
export type ViewedDeadLetter = z.output<typeof viewedDeadLetter>;
export type TextAccess = z.output<typeof textAccess>;
