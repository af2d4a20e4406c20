import { z } from 'zod';
import { limits } from './limits.ts';
import type { WorkQueue } from './queues.ts';

/**
 * How many letters of a queue are read at most, the oldest first. Whoever reads them keeps only some of their bodies. RabbitMQ keeps
 * account of all that are read at a time.
 */
export const MAX_LETTERS_READ = 1_000_000;
/** One run sends or drops at most this many letters. */
const MAX_PER_RUN = 10_000;
/** One call of the API shows, sends or drops at most this many letters. It is also the default of the command. */
export const MAX_PER_CALL = 1_000;
const DEFAULT_SHOWN = 20;
const MAX_CANARY = 100;

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `30s`, `15m`, `1h` or `7d`, as milliseconds. */
export const age = z
  .string()
  .regex(/^\d{1,6}[smhd]$/, 'must be an age such as 30s, 15m, 1h or 7d')
  .transform((text) => Number(text.slice(0, -1)) * UNIT_MS[text.slice(-1) as keyof typeof UNIT_MS])
  .meta({ example: '1h' });

const count = (max: number) => z.coerce.number().int().min(1).max(max);

const filter = {
  reason: z.string().min(1).max(100).optional().describe('Only letters with this reason.'),
  messageId: z.string().min(1).max(limits.idChars).optional().describe('Only letters with this message_id.'),
  olderThan: age.optional().describe('Only letters that have been dead letters for longer.'),
  newerThan: age.optional().describe('Only letters that became dead letters later than that.'),
};

export const letterFilter = z.strictObject(filter).meta({ id: 'DeadLetterFilter' });

export const showOptions = z.strictObject({ ...filter, limit: count(MAX_PER_CALL).default(DEFAULT_SHOWN) });

/** For somebody who may read the queue itself: see `DeadLetterAdmin.showBodies`. */
export const showBodiesOptions = showOptions.extend({
  full: z.boolean().default(false).describe('true: show whole bodies. false: only their beginnings.'),
});

export const redriveOptions = z
  .strictObject({
    ...filter,
    limit: count(MAX_PER_RUN).default(MAX_PER_CALL).describe('How many letters to send at most. The rest stays.'),
    dryRun: z.boolean().default(false).describe('true: change nothing, only count the letters.'),
    canary: count(MAX_CANARY)
      .optional()
      .describe('How many letters to send first. The rest follows only if none of them comes back.'),
    rate: z.coerce.number().positive().max(10_000).optional().describe('How many letters to send in a second at most.'),
  })
  .meta({ id: 'RedriveOptions' });

export const dropOptions = z
  .strictObject({
    ...filter,
    limit: count(MAX_PER_RUN).default(MAX_PER_CALL).describe('How many letters to remove at most. The rest stays.'),
    dryRun: z.boolean().default(false).describe('true: change nothing, only count the letters.'),
    confirm: z
      .boolean()
      .default(false)
      .describe('Must be true unless `dryRun` is: dropped letters cannot be restored.'),
  })
  .meta({ id: 'DropOptions' });

const moment = z.string().nullable().describe('ISO 8601; null where the letter does not say.');

const letterSender = z.object({
  appId: z.string().nullable().describe('The `app_id` of the message.'),
  userId: z
    .string()
    .nullable()
    .describe(
      'Its `user_id`: the RabbitMQ user who published it, and those who published it again, separated by commas.',
    ),
});

export const letterGroups = z
  .object({
    queue: z.string().describe('The dead-letter queue.'),
    matching: z.int().describe('Letters that match the filter.'),
    read: z.int().describe('Letters that were looked at, the oldest first.'),
    unread: z.int().describe('Letters behind those, which were not looked at.'),
    groups: z.array(
      z.object({
        reason: z.string(),
        count: z.int(),
        oldest: moment,
        newest: moment,
        detail: z.string().nullable().describe('What is wrong with the latest of these letters.'),
        sender: letterSender.describe('Who sent the latest of these letters, as far as it says so.'),
      }),
    ),
  })
  .meta({ id: 'DeadLetterGroups' });

const outline = z
  .object({
    fields: z
      .array(
        z.object({
          name: z.string(),
          type: z.enum(['string', 'number', 'boolean', 'null', 'array', 'object']),
          length: z.int().nullable().describe('Characters of a string, or items of an array; otherwise null.'),
        }),
      )
      .describe('The fields that such a message may have.'),
    otherFields: z.int().describe('How many other fields there are. Their names are not shown.'),
  })
  .meta({ id: 'DeadLetterOutline', description: 'What a body looks like, without what it says.' });

export const letter = z
  .object({
    messageId: z.string().nullable(),
    reason: z.string(),
    detail: z.string().nullable(),
    at: moment,
    redriveCount: z.int(),
    bytes: z.int().describe('Length of the body.'),
    sender: letterSender,
    properties: z.record(z.string(), z.unknown()),
    headers: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .describe('Headers that we or RabbitMQ have set, and `traceparent`. Others may have texts of users.'),
    encoding: z.enum(['utf-8', 'binary']).describe('What the body is.'),
    outline: outline.nullable().describe('null: the body is no JSON object, or too large to look at.'),
  })
  .meta({ id: 'DeadLetter', description: 'A dead letter without its body, which may have the text of a user.' });

export const letterPage = z
  .object({ queue: z.string(), matching: z.int(), read: z.int(), unread: z.int(), letters: z.array(letter) })
  .meta({ id: 'DeadLetterPage' });

export const redriveReport = z
  .object({
    queue: z.string(),
    dryRun: z.boolean(),
    matching: z.int().describe('Letters that matched the filter before the run.'),
    sent: z.int().describe('Letters that were sent back and are no longer here.'),
    refused: z.int().describe('Letters that cannot be sent as they are; they stay.'),
    left: z.int().describe('Letters that match the filter and are still here.'),
    unread: z.int().describe('Letters that were not looked at.'),
    canary: z.enum(['none', 'passed', 'failed']),
    stopped: z.string().nullable().describe('Why the run ended early. null: it did not.'),
  })
  .meta({ id: 'RedriveReport' });

export const dropReport = z
  .object({
    queue: z.string(),
    dryRun: z.boolean(),
    matching: z.int().describe('Letters that matched the filter before the run.'),
    dropped: z.int(),
    left: z.int().describe('Letters that match the filter and are still here.'),
    unread: z.int().describe('Letters that were not looked at.'),
  })
  .meta({ id: 'DropReport' });

export type LetterFilter = z.output<typeof letterFilter>;
export type ShowOptions = z.output<typeof showOptions>;
export type ShowBodiesOptions = z.output<typeof showBodiesOptions>;
export type RedriveOptions = z.output<typeof redriveOptions>;
export type DropOptions = z.output<typeof dropOptions>;
export type LetterGroups = z.output<typeof letterGroups>;
export type Letter = z.output<typeof letter>;
export type LetterOutline = z.output<typeof outline>;
export type LetterPage = z.output<typeof letterPage>;
export type RedriveReport = z.output<typeof redriveReport>;
export type DropReport = z.output<typeof dropReport>;

/**
 * What became of texts that an api or a worker has encrypted for their user: `opened`, or `cannot_be_opened`, because the key was
 * destroyed or is not here. `as_sent`: there are none.
 */
export const letterTexts = z.enum(['as_sent', 'opened', 'cannot_be_opened']);
export type LetterTexts = z.output<typeof letterTexts>;

/** A letter with all its headers and its body, or the beginning of it. */
export interface LetterWithBody extends Omit<Letter, 'headers' | 'encoding' | 'outline'> {
  headers: Record<string, unknown>;
  body: string;
  /** `opened`: the body is not as it came, but has the texts as they were written. */
  texts: LetterTexts;
  encoding: 'utf-8' | 'base64';
  truncated: boolean;
}

/**
 * What an operator may do with dead letters. Each call locks the dead-letter queue while it runs. All methods reject
 * with BrokerUnavailableError, and with DeadLettersInUseError while another call holds the lock.
 */
export interface DeadLetterAdmin {
  list(queue: WorkQueue, filter: LetterFilter): Promise<LetterGroups>;
  /** The letters without their bodies. */
  show(queue: WorkQueue, options: ShowOptions): Promise<LetterPage>;
  /** The letters with their bodies, which may be texts of users: only for somebody who may read the queue itself. */
  showBodies(
    queue: WorkQueue,
    options: ShowBodiesOptions,
  ): Promise<Omit<LetterPage, 'letters'> & { letters: LetterWithBody[] }>;
  /** @param onProgress called with the number of letters sent so far, and the number of letters to send */
  redrive(
    queue: WorkQueue,
    options: RedriveOptions,
    onProgress?: (sent: number, of: number) => void,
  ): Promise<RedriveReport>;
  drop(queue: WorkQueue, options: DropOptions): Promise<DropReport>;
}
