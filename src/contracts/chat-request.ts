import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isAmqp10Body, readAmqp10Body } from './amqp-1-0-body.ts';
import { cutText } from './cut-text.ts';
import type { DeadLetterReason } from './error-codes.ts';
import { fieldRule } from './field-rule.ts';
import { limits } from './limits.ts';
import { readMoment } from './moment.ts';

export const id = z
  .string()
  .min(1)
  .max(limits.idChars)
  // Half a surrogate pair is valid JSON, and cannot be written as UTF-8.
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');
export const timestamp = z.iso.datetime({
  offset: true,
  error: 'must be a time in ISO 8601, such as 2026-01-31T12:00:00Z',
});

export const turn = z
  .object({
    role: z.enum(['user', 'assistant']),
    content: z.string().min(1).max(limits.responseChars),
  })
  .meta({ id: 'ContextTurn', description: 'An earlier turn of the conversation.' });

export const priority = z
  .enum(['interactive', 'batch'])
  .describe('batch: after all interactive requests, for work that nobody waits for.');

export const modelName = z
  .string()
  .min(1)
  .max(limits.modelNameChars)
  .describe('One of the models that are allowed; left out: the standard one.');

/** A message on `chat_requests`. Only sessionId, userId and message are required. */
export const chatRequest = z
  .object({
    version: z.literal(1).default(1),
    requestId: id,
    sessionId: id,
    userId: id,
    message: z.string().min(1).max(limits.messageChars).regex(/\S/, 'must not be blank'),
    context: z.array(turn).max(limits.contextTurns).default([]),
    cache: z.boolean().default(true).describe('false: neither read nor write the answer cache.'),
    priority: priority.default('interactive'),
    model: modelName.optional(),
    createdAt: timestamp.optional(),
    deadline: timestamp.optional().describe('Past it nobody waits: no model call is made.'),
  })
  .meta({ id: 'ChatRequest', description: 'A message on the queue chat_requests.' });

export type ChatRequest = z.output<typeof chatRequest>;
export type ContextTurn = z.output<typeof turn>;

/** Why a message cannot be read. `detail` names fields and rules, never their contents. */
export class UnreadableMessage extends Error {
  readonly reason: DeadLetterReason;

  constructor(reason: DeadLetterReason, detail: string) {
    super(detail);
    this.name = 'UnreadableMessage';
    this.reason = reason;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * Reads the JSON object in a message's body, also where an AMQP 1.0 client has wrapped it.
 * @throws UnreadableMessage empty, too_large, unsupported_encoding, unsupported_amqp_body, not_utf8, not_json or
 *   invalid_message
 */
export function readJsonObject(
  body: Buffer,
  contentEncoding: string | undefined,
  maxBytes: number,
): Record<string, unknown> {
  if (body.length === 0) throw new UnreadableMessage('empty', 'the body is empty');
  if (body.length > maxBytes) {
    throw new UnreadableMessage('too_large', `the body has ${body.length} bytes; at most ${maxBytes} are read`);
  }
  if (contentEncoding && !READABLE_ENCODING.test(contentEncoding)) {
    throw new UnreadableMessage('unsupported_encoding', 'content_encoding must be absent or utf-8');
  }
  let text: string;
  try {
    text = utf8.decode(isAmqp10Body(body) ? textInAmqp10(body) : body);
  } catch (error) {
    if (error instanceof UnreadableMessage) throw error;
    throw new UnreadableMessage('not_utf8', 'the body is not valid UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UnreadableMessage('not_json', 'the body is not valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnreadableMessage('invalid_message', 'the body is not a JSON object');
  }
  return value as Record<string, unknown>;
}

/** ASCII is part of UTF-8. */
const READABLE_ENCODING = /^ *(utf-?8|(us-)?ascii|identity)? *$/i;

function textInAmqp10(body: Buffer): Buffer {
  const read = readAmqp10Body(body);
  if ('problem' in read) throw new UnreadableMessage('unsupported_amqp_body', read.problem);
  return read.text;
}

/** @throws UnreadableMessage unsupported_version */
export function checkVersion(version: unknown): void {
  if (version === undefined || version === null || version === 1 || version === '1') return;
  throw new UnreadableMessage('unsupported_version', 'version must be 1 or absent');
}

/** One line for a failed parse: paths and rules only, so that it may be logged and kept in a header. */
export function describeIssues(error: z.ZodError): string {
  const described = error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`)
    .join('; ');
  return cutText(described, 500);
}

/** What the reader of a message needs of a delivery. */
export interface MessageSource {
  body: Buffer;
  messageId?: string | undefined;
  contentEncoding?: string | undefined;
  replyTo?: string | undefined;
  correlationId?: string | undefined;
}

/**
 * Reads a message of `chat_requests`. Without a requestId, the AMQP `message_id` serves, else one derived from the
 * body, so that a redelivery derives the same one.
 * @throws UnreadableMessage
 */
export function readChatRequest(source: MessageSource): ChatRequest {
  const value = readJsonObject(source.body, source.contentEncoding, limits.requestMessageBytes);
  checkVersion(value.version);
  const given = withoutEmpty(value);
  given.requestId ??= source.messageId || derivedRequestId(source);
  const parsed = chatRequest.safeParse(given, { error: fieldRule });
  if (!parsed.success) throw new UnreadableMessage('invalid_message', describeIssues(parsed.error));
  return parsed.data;
}

/** Fields that carry nothing when they are an empty text. A deadline is none of them: that it is unreadable is an error. */
const EMPTY_IS_ABSENT = new Set(['requestId', 'model', 'priority', 'createdAt']);

/** The fields that say something. Times are in UTC; a `createdAt` that cannot be read is absent, because it only informs. */
function withoutEmpty(value: Record<string, unknown>): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== null && !(field === '' && EMPTY_IS_ABSENT.has(name))) given[name] = field;
  }
  // All that are 1 by another name have been let through.
  delete given.version;
  given.createdAt = readMoment(given.createdAt);
  given.deadline = readMoment(given.deadline) ?? given.deadline;
  if (Array.isArray(given.context)) given.context = given.context.filter((entry) => !isEmptyTurn(entry));
  return given;
}

/** An earlier turn without a text, as some keep it for a question that was never answered. */
const isEmptyTurn = (entry: { content?: unknown } | null) => entry?.content === null || entry?.content === '';

/**
 * The same for each delivery of a message. Two callers who ask the same are told apart by where they want their answers.
 */
function derivedRequestId({ body, replyTo, correlationId }: MessageSource): string {
  const hash = createHash('sha256').update(body);
  if (replyTo) hash.update(JSON.stringify([replyTo, correlationId]));
  return `sha256-${hash.digest('hex')}`;
}
