import { z } from 'zod';
import { id, modelName, priority, timestamp } from './chat-request.ts';
import { failure, finishReason, timings, usage } from './chat-response.ts';
import { apiErrors } from './error-codes.ts';
import { limits } from './limits.ts';

const email = z
  .email()
  .max(limits.emailChars)
  .transform((value) => value.toLowerCase())
  .meta({ example: 'user@example.com' });
const password = z.string().min(8).max(limits.passwordChars).meta({ example: 'password123' });

export const credentials = z.object({ email, password }).meta({ id: 'Credentials' });

export const loginBody = z
  .object({ email, password: z.string().min(1).max(limits.passwordChars) })
  .meta({ id: 'Login' });

export const refreshBody = z.object({ refreshToken: z.string().min(1).max(512) }).meta({ id: 'RefreshToken' });

export const registered = z
  .object({ userId: id, email: z.string() })
  .meta({ id: 'Registered', description: 'The account was made.' });

export const tokens = z
  .object({
    accessToken: z.string(),
    refreshToken: z.string().describe('Good for one use, whose answer has the next one.'),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().describe('Seconds until the access token expires.'),
    userId: id,
  })
  .meta({ id: 'Tokens' });

/** A field that many clients send as null, or as an empty text, where they have no value for it. */
const absentIfEmpty = <T extends z.ZodType>(field: T) =>
  z
    .preprocess((value) => (value === '' ? null : value), field.nullish())
    .transform((value) => value ?? undefined)
    .optional();

export const sendBody = z
  .object({
    message: z
      .string()
      .min(1)
      .max(limits.messageChars)
      .regex(/\S/, 'must not be blank')
      .meta({ example: 'What are healthy eating habits?' }),
    sessionId: absentIfEmpty(z.uuid().describe('Continues that conversation; left out or null, a new one begins.')),
    model: absentIfEmpty(modelName),
    priority: absentIfEmpty(priority),
    cache: absentIfEmpty(z.boolean().describe('false: ask the model even if the same question was answered before.')),
  })
  .strict()
  .meta({ id: 'SendMessage' });

export const turnStatus = z.enum(['queued', 'completed', 'failed', 'cancelled']);

const standing = {
  position: z
    .int()
    .nonnegative()
    .nullable()
    .describe('How many requests are worked on before it, at most; 0: its turn has come. null once it has ended.'),
  etaMs: z
    .int()
    .nonnegative()
    .nullable()
    .describe(
      'Milliseconds until the answer is to be expected, as fast as requests are worked off now; null: not known.',
    ),
};

export const accepted = z
  .object({ sessionId: z.string(), requestId: z.string(), status: turnStatus, ...standing })
  .meta({ id: 'Accepted', description: 'The broker has the question; the answer comes later.' });

export const sessionTurn = z
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
    finishReason: finishReason
      .nullable()
      .describe('null until the turn has ended, for a failure, and where the provider did not say.'),
    attempts: z.int(),
    timings: timings.nullable(),
    createdAt: timestamp,
    completedAt: timestamp.nullable(),
  })
  .meta({ id: 'Turn', description: 'A question and, once its status is terminal, what became of it.' });

export const session = z
  .object({
    sessionId: z.string(),
    status: turnStatus.describe('The status of the latest turn.'),
    response: z.string().nullable().describe('The answer of the latest turn.'),
    createdAt: timestamp,
    updatedAt: timestamp,
    turns: z.array(sessionTurn).describe('Oldest first.'),
  })
  .meta({ id: 'Session' });

export const sessionNow = session
  .extend(standing)
  .meta({ id: 'SessionNow', description: 'A session, and where its latest turn stands.' });

export const answered = sessionTurn.extend({ sessionId: z.string() }).meta({ id: 'Answered' });

export const historyQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(512).optional().describe('`nextCursor` of the page before.'),
});

export const historyPage = z
  .object({
    items: z.array(answered).describe('Newest first.'),
    nextCursor: z.string().nullable().describe('null on the last page.'),
  })
  .meta({ id: 'HistoryPage' });

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(apiErrors) as [keyof typeof apiErrors]),
    detail: z.string().describe('What the caller can do.'),
    instance: z.string().optional(),
    traceId: z.string().optional().describe('Finds the request in our logs.'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string().describe('Names the field and the rule.') }))
      .optional()
      .describe('What is wrong with which field.'),
  })
  .meta({ id: 'Problem', description: 'An RFC 9457 problem document; `code` is stable.' });

export const health = z
  .object({
    status: z.enum(['ok', 'unavailable']),
    checks: z
      .record(z.string(), z.object({ status: z.enum(['up', 'down']), detail: z.string().optional() }))
      .optional(),
    version: z.string().optional(),
    uptimeSeconds: z.int().optional(),
  })
  .meta({ id: 'Health' });

export type Accepted = z.output<typeof accepted>;
export type Session = z.output<typeof session>;
export type SessionNow = z.output<typeof sessionNow>;
export type SessionTurn = z.output<typeof sessionTurn>;
export type Answered = z.output<typeof answered>;
export type HistoryPage = z.output<typeof historyPage>;
export type Problem = z.output<typeof problem>;
export type Health = z.output<typeof health>;
export type TurnStatus = z.output<typeof turnStatus>;
