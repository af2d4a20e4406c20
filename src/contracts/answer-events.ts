import { z } from 'zod';
import { failure, finishReason, timings, usage } from './chat-response.ts';
import { limits } from './limits.ts';
import { timestamp } from './scalars.ts';

// The events of an answer log. docs/protocol.md says what they mean, and in which order they come.

const at = timestamp.describe('When it happened.');
const chars = z.int().nonnegative();
const attempt = z.int().positive().describe('Counted from 1.');

export const queuedEvent = z
  .object({ type: z.literal('queued'), at })
  .meta({ id: 'QueuedEvent', description: 'The question was accepted. It is the first event of every log.' });

export const startedEvent = z
  .object({
    type: z.literal('started'),
    at,
    attempt,
    provider: z.string().nullable().describe('null: the model was asked, and has not written anything yet.'),
    model: z.string().nullable(),
  })
  .meta({
    id: 'StartedEvent',
    description: 'A worker asks the model. It comes again, with provider and model, before the first text.',
  });

export const deltaEvent = z
  .object({
    type: z.literal('delta'),
    text: z.string().min(1).max(limits.responseChars),
    offset: chars.describe('How long the text was before this, in UTF-16 code units.'),
  })
  .meta({ id: 'DeltaEvent', description: 'More of the answer: append it to the text.' });

export const retryingEvent = z
  .object({
    type: z.literal('retrying'),
    at,
    attempt: attempt.describe('The attempt that has ended.'),
    code: z.string().describe('Why: a code of a failure, or of what could not be reached.'),
    nextAt: timestamp.nullable().describe('When it goes on, at the latest. null: not known.'),
  })
  .meta({ id: 'RetryingEvent', description: 'There will be another attempt. The text so far may still be shown.' });

export const restartedEvent = z
  .object({ type: z.literal('restarted'), at })
  .meta({ id: 'RestartedEvent', description: 'The text begins again: forget all text so far.' });

export const completedEvent = z
  .object({
    type: z.literal('completed'),
    at,
    rest: z.string().max(limits.responseChars).describe('The end of the text that no delta brought. Often empty.'),
    offset: chars.describe('How long the text was before `rest`.'),
    model: z.string().nullable(),
    provider: z.string().nullable(),
    cached: z.boolean(),
    usage: usage.nullable(),
    finishReason: finishReason.nullable(),
    attempts: z.int().nonnegative(),
    timings,
  })
  .meta({ id: 'CompletedEvent', description: 'The answer is complete. This ends the log.' });

export const failedEvent = z
  .object({ type: z.literal('failed'), at, error: failure, attempts: z.int().nonnegative() })
  .meta({ id: 'FailedEvent', description: 'There is no answer: forget all text so far. This ends the log.' });

export const cancelledEvent = z
  .object({
    type: z.literal('cancelled'),
    at,
    rest: completedEvent.shape.rest,
    offset: completedEvent.shape.offset,
    finishReason: z.literal('cancelled'),
  })
  .meta({ id: 'CancelledEvent', description: 'The user has stopped it. The text so far is kept. This ends the log.' });

/** An event as its readers see it. */
export const answerEvent = z
  .discriminatedUnion('type', [
    queuedEvent,
    startedEvent,
    deltaEvent,
    retryingEvent,
    restartedEvent,
    completedEvent,
    failedEvent,
    cancelledEvent,
  ])
  .meta({ id: 'AnswerEvent', description: 'An event of an answer log. See docs/protocol.md.' });

export type AnswerEvent = z.output<typeof answerEvent>;
export type AnswerEventType = AnswerEvent['type'];
export type DeltaEvent = z.output<typeof deltaEvent>;
export type EndEvent = z.output<typeof completedEvent> | z.output<typeof failedEvent> | z.output<typeof cancelledEvent>;

/** An event and its number in the log. */
export interface NumberedEvent {
  /** Larger than that of every earlier event. A reader resumes after it. */
  number: number;
  event: AnswerEvent;
}
