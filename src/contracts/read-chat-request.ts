import { createHash } from 'node:crypto';
import { type ChatRequest, chatRequest } from './chat-request.ts';
import { fieldRule } from './field-rule.ts';
import { limits } from './limits.ts';
import { readMoment } from './moment.ts';
import { checkVersion, describeIssues, type MessageSource, readJsonObject, UnreadableMessage } from './read-message.ts';

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
