import { chatRequest } from '../../contracts/chat-request.ts';
import { chatResponse } from '../../contracts/chat-response.ts';
import { cutText } from '../../contracts/cut-text.ts';
import type { Letter, LetterOutline } from '../../contracts/dead-letters.ts';
import { ORIGINAL_USER_ID_HEADER } from '../../contracts/publishers.ts';
import {
  deadLetterHeaders,
  ORIGINAL_REPLY_TO_HEADER,
  REDRIVE_COUNT_HEADER,
  REDRIVE_RUN_HEADER,
  REQUESTS_QUEUE,
  RESPONSES_QUEUE,
  TRACEPARENT_HEADER,
  type WorkQueue,
} from '../../contracts/queues.ts';
import { readJsonObject, UnreadableMessage } from '../../contracts/read-message.ts';

/** Larger bodies are not parsed: an api that shows 1,000 of them must go on serving users. */
const MAX_OUTLINED_BYTES = 256 * 1024;
const HEADER_CHARS = 500;

const fieldNames: Record<WorkQueue, readonly string[]> = {
  [REQUESTS_QUEUE]: Object.keys(chatRequest.shape),
  [RESPONSES_QUEUE]: Object.keys(chatResponse.shape),
};

const KNOWN_HEADERS = new Set<string>([
  ...Object.values(deadLetterHeaders),
  ...['first', 'last'].flatMap((which) => ['exchange', 'queue', 'reason'].map((what) => `x-${which}-death-${what}`)),
  ...[
    'x-delivery-count',
    'x-acquired-count',
    'x-original-expiration',
    ORIGINAL_USER_ID_HEADER,
    ORIGINAL_REPLY_TO_HEADER,
  ],
  ...[REDRIVE_COUNT_HEADER, REDRIVE_RUN_HEADER, TRACEPARENT_HEADER],
]);

/**
 * Says what a body looks like, without what it says. A name that the contract does not have may be part of a text, so it
 * is only counted.
 * @returns null: it is no JSON object, or is too large
 */
export function outlineOf(body: Buffer, contentEncoding: string | undefined, queue: WorkQueue): LetterOutline | null {
  let object: Record<string, unknown>;
  try {
    object = readJsonObject(body, contentEncoding, MAX_OUTLINED_BYTES);
  } catch (error) {
    if (error instanceof UnreadableMessage) return null;
    throw error;
  }
  const known = fieldNames[queue].filter((name) => Object.hasOwn(object, name));
  return {
    fields: known.map((name) => ({ name, type: typeOf(object[name]), length: lengthOf(object[name]) })),
    otherFields: Object.keys(object).length - known.length,
  };
}

/** The headers that we or RabbitMQ have set, and those of traces. Others may have texts of users. */
export function knownHeaders(headers: Record<string, unknown>): Letter['headers'] {
  const known: Letter['headers'] = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!KNOWN_HEADERS.has(name)) continue;
    if (typeof value === 'string') known[name] = cutText(value, HEADER_CHARS);
    else if (typeof value === 'number' || typeof value === 'boolean') known[name] = value;
  }
  return known;
}

/** @param value something out of JSON */
function typeOf(value: unknown): LetterOutline['fields'][number]['type'] {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as 'string' | 'number' | 'boolean' | 'object';
}

const lengthOf = (value: unknown) => (typeof value === 'string' || Array.isArray(value) ? value.length : null);
