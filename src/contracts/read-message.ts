import type { z } from 'zod';
import { isAmqp10Body, readAmqp10Body } from './amqp-1-0-body.ts';
import { cutText } from './cut-text.ts';
import type { DeadLetterReason } from './error-codes.ts';

/** Why a message cannot be read. `detail` names fields and rules, never what they contain. */
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
 * Reads the JSON object in a message's body. An AMQP 1.0 client may have wrapped it.
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

/** Other names of UTF-8, and of ASCII, which is a part of it. */
const READABLE_ENCODING = /^ *(utf-?8|(us-)?ascii|identity)? *$/i;

function textInAmqp10(body: Buffer): Buffer {
  const read = readAmqp10Body(body);
  if ('problem' in read) throw new UnreadableMessage('unsupported_amqp_body', read.problem);
  return read.text;
}

/** The version of a message whose texts are sealed. */
export const SEALED_VERSION = 2;

/**
 * Returns the version of a message, in whatever spelling it has it.
 * @throws UnreadableMessage newer_version, if a later version of this product may know it; otherwise unsupported_version
 */
export function readVersion(version: unknown): number {
  if (version === undefined || version === null) return 1;
  const number = typeof version === 'string' && /^\d{1,9}$/.test(version) ? Number(version) : version;
  if (number === 1 || number === SEALED_VERSION) return number;
  if (Number.isSafeInteger(number) && (number as number) > SEALED_VERSION) {
    throw new UnreadableMessage('newer_version', 'no process that knows this version has taken the message in time');
  }
  throw new UnreadableMessage('unsupported_version', 'version must be 1, 2 or absent');
}

/**
 * Says what is wrong with a message, in one line. It names only fields and rules, so it may be logged and kept in a
 * header.
 */
export function describeIssues(error: z.ZodError): string {
  const described = error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`)
    .join('; ');
  return cutText(described, 500);
}

/** The parts of a delivery that the reader of a message needs. */
export interface MessageSource {
  body: Buffer;
  messageId?: string | undefined;
  contentEncoding?: string | undefined;
  replyTo?: string | undefined;
  correlationId?: string | undefined;
}
