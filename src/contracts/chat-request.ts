import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { DeadLetterReason } from './error-codes.ts';
import { limits } from './limits.ts';

export const id = z
  .string()
  .min(1)
  .max(limits.idChars)
  // Half a surrogate pair is valid JSON, and cannot be written as UTF-8.
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');
export const timestamp = z.iso.datetime({ offset: true });

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
 * Reads the JSON object in a message's body.
 * @throws UnreadableMessage empty, too_large, unsupported_encoding, not_utf8, not_json or invalid_message
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
  if (contentEncoding && !/^(utf-?8|identity)$/i.test(contentEncoding)) {
    throw new UnreadableMessage('unsupported_encoding', 'content_encoding must be absent or utf-8');
  }
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
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

/** One line for a failed parse: paths and rules only, so that it may be logged and kept in a header. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`)
    .join('; ')
    .slice(0, 500);
}

/** What the reader of a message needs of a delivery. */
export interface MessageSource {
  body: Buffer;
  messageId?: string | undefined;
  contentEncoding?: string | undefined;
}

/**
 * Reads a message of `chat_requests`. Without a requestId, the AMQP `message_id` serves, else one derived from the
 * body, so that a redelivery derives the same one.
 * @throws UnreadableMessage
 */
export function readChatRequest(source: MessageSource): ChatRequest {
  const value = readJsonObject(source.body, source.contentEncoding, limits.requestMessageBytes);
  if (value.version !== undefined && value.version !== 1) {
    throw new UnreadableMessage('unsupported_version', 'version must be 1 or absent');
  }
  const requestId = value.requestId ?? (source.messageId || derivedRequestId(source.body));
  const parsed = chatRequest.safeParse({ ...value, requestId });
  if (!parsed.success) throw new UnreadableMessage('invalid_message', describeIssues(parsed.error));
  return parsed.data;
}

const derivedRequestId = (body: Buffer) => `sha256-${createHash('sha256').update(body).digest('hex')}`;
