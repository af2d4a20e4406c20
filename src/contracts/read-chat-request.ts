import { createHash } from 'node:crypto';
import { type ChatRequest, chatRequest } from './chat-request.ts';
import { fieldRule } from './field-rule.ts';
import { limits } from './limits.ts';
import { readMoment } from './moment.ts';
import { describeIssues, type MessageSource, readJsonObject, UnreadableMessage } from './read-message.ts';
import { type Received, receive } from './sealed-message.ts';
import { plainSeals } from './sealing.ts';

/**
 * Reads a message of `chat_requests` whose texts are not sealed: see `receiveChatRequest`.
 * @throws UnreadableMessage
 */
export const readChatRequest = (source: MessageSource): ChatRequest => receiveChatRequest(source).open(plainSeals);

/**
 * Begins to read a message of `chat_requests`. If it has no requestId, the AMQP `message_id` is used. If that is missing too, the id
 * is derived from the body, so that a redelivered message gets the same one.
 * @throws UnreadableMessage
 */
export function receiveChatRequest(source: MessageSource): Received<ChatRequest> {
  const value = readJsonObject(source.body, source.contentEncoding, limits.requestMessageBytes);
  return receive(
    'request',
    value,
    (fields) => {
      const given = withoutEmpty(fields);
      given.requestId ??= source.messageId || derivedRequestId(source);
      const parsed = readable.safeParse(given, { error: fieldRule });
      if (!parsed.success) throw new UnreadableMessage('invalid_message', describeIssues(parsed.error));
      return parsed.data;
    },
    ERASED,
  );
}

/** A request has a text, but that of an erased user is never looked at. */
const ERASED = { message: '(erased)', context: [] };

/** A field that only a later version knows is kept, so that a process of that version finds it in the job. */
const readable = chatRequest.loose();

/** In these fields, an empty text counts as missing. In a deadline it is an error. */
const EMPTY_IS_ABSENT = new Set(['requestId', 'tenantId', 'model', 'priority', 'createdAt']);

/**
 * Returns the fields that are not empty, with times in UTC. An unreadable `createdAt` is left out, because nothing
 * depends on it. An unreadable `deadline` stays, so it is refused later.
 */
function withoutEmpty(value: Record<string, unknown>): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== null && !(field === '' && EMPTY_IS_ABSENT.has(name))) given[name] = field;
  }
  // It is 1, in whatever spelling.
  delete given.version;
  given.createdAt = readMoment(given.createdAt);
  given.deadline = readMoment(given.deadline) ?? given.deadline;
  if (Array.isArray(given.context)) given.context = given.context.filter((entry) => !isEmptyTurn(entry));
  return given;
}

/** Some clients keep an empty earlier turn for a question that was never answered. */
const isEmptyTurn = (entry: { content?: unknown } | null) => entry?.content === null || entry?.content === '';

/**
 * Derives an id that is the same for each delivery of a message. If two clients ask the same question, the ids differ,
 * because the place where each wants its answer is part of the id.
 */
function derivedRequestId({ body, replyTo, correlationId }: MessageSource): string {
  const hash = createHash('sha256').update(body);
  if (replyTo) hash.update(JSON.stringify([replyTo, correlationId]));
  return `sha256-${hash.digest('hex')}`;
}
