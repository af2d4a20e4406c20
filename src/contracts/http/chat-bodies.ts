import { z } from 'zod';
import { modelName, priority } from '../chat-request.ts';
import { failure, finishReason, partialUsage, timings, usage } from '../chat-response.ts';
import { feedback } from '../feedback.ts';
import { limits } from '../limits.ts';
import { timestamp } from '../scalars.ts';
import { absentIfEmpty } from './absent-if-empty.ts';
import { cursor, limitUpTo100 } from './paging.ts';
import { title } from './session-bodies.ts';

/** The id of a new session must be random, so that nobody can find out by guessing which ids are in use. */
const RANDOM_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[47]/i;

export const sendBody = z
  .object({
    message: z
      .string()
      .min(1)
      .max(limits.messageChars)
      .regex(/\S/, 'must not be blank')
      // Half a surrogate pair is valid JSON but not valid text.
      .overwrite((text) => text.toWellFormed())
      .meta({ example: 'What are healthy eating habits?' }),
    sessionId: absentIfEmpty(
      // Swift writes the ids that it received in upper case.
      z.uuid().toLowerCase().describe('Continues that conversation; left out or null, a new one begins.'),
    ),
    newSession: absentIfEmpty(
      z
        .boolean()
        .describe(
          'true: begins a new conversation under the `sessionId` that you choose: a random UUID (version 4 or 7). So you can read ' +
            'or cancel it before this request is answered.',
        ),
    ),
    model: absentIfEmpty(modelName),
    priority: absentIfEmpty(priority),
    cache: absentIfEmpty(z.boolean().describe('false: ask the model even if the same question was answered before.')),
    stream: absentIfEmpty(
      z.boolean().describe('true: the answer can be read while it is being written. See docs/protocol.md.'),
    ),
  })
  .strict()
  .superRefine(({ sessionId, newSession }, context) => {
    if (!newSession || !sessionId || RANDOM_UUID.test(sessionId)) return;
    const message = 'must be a random UUID (version 4 or 7) where `newSession` is true';
    context.addIssue({ code: 'custom', path: ['sessionId'], message });
  })
  .meta({ id: 'SendMessage' });

export const turnStatus = z.enum(['queued', 'asking', 'retrying', 'completed', 'failed', 'cancelled']).meta({
  id: 'TurnStatus',
  description:
    '`queued`: no worker has it yet. `asking`: a worker asks the model. `retrying`: an attempt has failed, or the model ' +
    'is out of reach; `retry` says when it goes on. `completed`, `failed` and `cancelled` are the end.',
});

export const retry = z
  .object({
    since: timestamp.describe('When the first attempt failed.'),
    code: z.string().describe('Why the latest attempt failed: a code of a failure, or of what could not be reached.'),
    nextAt: timestamp.describe('When the next attempt begins, at the earliest.'),
  })
  .meta({ id: 'Retry' });

const progress = {
  attempts: z.int().describe('Attempts so far, the one under way included.'),
  retry: retry.nullable().describe('null unless the status is `retrying`.'),
};

const standing = {
  position: z
    .int()
    .nonnegative()
    .nullable()
    .describe('How many requests wait before this one, as far as is known. 0: it is next. null once it has ended.'),
  etaMs: z
    .int()
    .nonnegative()
    .nullable()
    .describe(
      'Milliseconds until the answer is expected, estimated from the latest answers. null: not known, because there was ' +
        'no answer yet, this one takes longer than the others did, or no worker is there.',
    ),
};

export const accepted = z
  .object({ sessionId: z.string(), requestId: z.string(), status: turnStatus, ...progress, ...standing })
  .meta({ id: 'Accepted', description: 'The broker has the question; the answer comes later.' });

export const turn = z
  .object({
    requestId: z.string(),
    status: turnStatus,
    message: z.string(),
    response: z.string().nullable(),
    error: failure.nullable(),
    model: z.string().nullable(),
    provider: z.string().nullable(),
    cached: z.boolean(),
    usage: usage.nullable().describe('null until there is an answer, and where the provider reported none.'),
    partialUsage: partialUsage
      .nullable()
      .describe(
        'null unless the turn was cancelled while the model wrote. It follows some moments after the cancellation.',
      ),
    finishReason: finishReason
      .nullable()
      .describe('null until the turn has ended, for a failure, and where the provider did not say.'),
    ...progress,
    timings: timings.nullable(),
    createdAt: timestamp,
    completedAt: timestamp.nullable(),
    feedback: feedback.nullable().describe('What the user thinks of the answer.'),
  })
  .meta({ id: 'Turn', description: 'A question and, once its status is terminal, what became of it.' });

export const session = z
  .object({
    sessionId: z.string(),
    title,
    status: turnStatus.describe('The status of the latest turn.'),
    response: z.string().nullable().describe('The answer of the latest turn.'),
    createdAt: timestamp,
    updatedAt: timestamp,
    turns: z
      .array(turn)
      .describe('A page of the turns, oldest first, or as `order` says; without a `cursor`, the newest ones.'),
    nextCursor: z.string().nullable().describe('The `cursor` of the page with the turns before these; null: none.'),
  })
  .meta({ id: 'Session' });

export const sessionNow = session
  .extend(standing)
  .meta({ id: 'SessionNow', description: 'A session, and where its latest turn stands.' });

export const turnWithSession = turn
  .extend({ sessionId: z.string() })
  .meta({ id: 'TurnWithSession', description: 'A turn, and the session that it belongs to.' });

export const sessionQuery = z.object({
  limit: limitUpTo100(50).describe('Most turns of the page.'),
  cursor,
  order: z
    .preprocess((value) => (value === '' ? undefined : value), z.enum(['oldest', 'newest']).default('oldest'))
    .describe(
      'Which turn of the page comes first. Either way the first page has the newest turns, and `nextCursor` leads to ' +
        'those before them.',
    ),
});

export const historyQuery = z.object({
  limit: limitUpTo100(20),
  cursor,
});

export const historyPage = z
  .object({
    items: z.array(turnWithSession).describe('Newest first.'),
    nextCursor: z.string().nullable().describe('null on the last page.'),
  })
  .meta({ id: 'HistoryPage' });

export type SendBody = z.output<typeof sendBody>;
export type Accepted = z.output<typeof accepted>;
export type SessionBody = z.output<typeof session>;
export type SessionNow = z.output<typeof sessionNow>;
export type TurnBody = z.output<typeof turn>;
export type TurnWithSession = z.output<typeof turnWithSession>;
export type HistoryPageBody = z.output<typeof historyPage>;
export type Retry = z.output<typeof retry>;
export type TurnStatus = z.output<typeof turnStatus>;
