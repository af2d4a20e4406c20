import { z } from 'zod';
import { failureCodes } from './error-codes.ts';
import { limits } from './limits.ts';
import { id, timestamp } from './scalars.ts';

/** Why an answer ends where it does. */
export const finishReason = z.enum(['stop', 'length', 'content_filter', 'cancelled']).meta({
  id: 'FinishReason',
  description:
    '`stop`: the answer is whole. `length`: it was cut, because it reached the longest answer that the model may give ' +
    'or that we keep. `content_filter`: the provider cut it because of its content. `cancelled`: the request was ' +
    'cancelled.',
});

/** A text. Halves of surrogate pairs become U+FFFD, because Lua scripts in Redis cannot read them. */
const wellFormed = (maxChars: number) =>
  z
    .string()
    .max(maxChars)
    .overwrite((text) => text.toWellFormed());

const tokens = z.int().nonnegative();
const ms = z.number().nonnegative();

export const usage = z
  .object({
    promptTokens: tokens,
    completionTokens: tokens,
    totalTokens: tokens,
    cost: z.number().nonnegative().nullable().default(null).describe('US dollars; null where no price is configured.'),
  })
  .meta({ id: 'Usage', description: 'What the model call was charged for; all zero for a cached answer.' });

export const partialUsage = z
  .object({
    completionTokens: tokens.describe('What the model had written.'),
    estimated: z
      .boolean()
      .describe('true: we have counted the tokens from the text, because the provider had not reported them.'),
  })
  .meta({
    id: 'PartialUsage',
    description:
      'What model calls of a cancelled request had written until they ended without an answer. The provider may charge for it, ' +
      'and for their prompts.',
  });

export const timings = z
  .object({
    waitMs: ms.describe('From the creation of the request to the start of its work.'),
    modelMs: ms.describe('Spent on the model call that gave the answer; 0 for a cached one.'),
    totalMs: ms.describe('From the creation of the request to its terminal state.'),
  })
  .meta({ id: 'Timings', description: 'Milliseconds.' });

export const failure = z
  .object({
    code: z.enum(failureCodes),
    message: wellFormed(2000),
    retryable: z.boolean().describe('Whether asking again can help.'),
  })
  .meta({ id: 'Failure' });

/** A message on `chat_responses`: how a request has ended. */
export const chatResponse = z
  .object({
    version: z.literal(1).default(1),
    requestId: id,
    sessionId: id,
    userId: id,
    status: z.enum(['completed', 'failed', 'cancelled']),
    response: wellFormed(limits.responseChars).nullable().default(null),
    error: failure.nullable().default(null),
    model: z.string().max(limits.modelNameChars).nullable().default(null),
    provider: z.string().max(limits.modelNameChars).nullable().default(null),
    cached: z.boolean().default(false),
    usage: usage
      .nullable()
      .default(null)
      .describe('null where there is no answer, and where the provider reported none.'),
    partialUsage: partialUsage
      .optional()
      .describe('Only for a cancelled request that was streamed, and whose model calls had written something.'),
    finishReason: finishReason
      .nullable()
      .default(null)
      .describe('null where there is no answer, and where the provider did not say.'),
    attempts: z.int().nonnegative(),
    timings,
    completedAt: timestamp,
    answerKey: z
      .string()
      .max(limits.idChars)
      .optional()
      .describe(
        'The keys under which the worker keeps the answer in the cache, between spaces. They are needed to erase the answer there.',
      ),
  })
  .refine((value) => value.status === 'cancelled' || (value.status === 'completed') === (value.response !== null), {
    path: ['response'],
    message: 'must be given when status is completed, and not when it is failed',
  })
  .refine((value) => value.status !== 'failed' || value.error !== null, {
    path: ['error'],
    message: 'must be given when status is failed',
  })
  .meta({ id: 'ChatResponse', description: 'A message on the queue chat_responses.' });

export type ChatResponse = z.output<typeof chatResponse>;
export type FinishReason = z.output<typeof finishReason>;
export type Usage = z.output<typeof usage>;
export type PartialUsage = z.output<typeof partialUsage>;
export type Timings = z.output<typeof timings>;
export type Failure = z.output<typeof failure>;

/** @param hashes of the entries that the cache keeps */
export const answerKeyOf = (hashes: readonly string[]): string => hashes.join(' ');
export const hashesIn = (answerKey: string): string[] => answerKey.split(' ');
