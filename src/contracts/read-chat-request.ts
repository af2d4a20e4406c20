import { createHash } from 'node:crypto';
import { type ChatRequest, chatRequest } from './chat-request.ts';
import { fieldRule } from './field-rule.ts';
import { limits } from './limits.ts';
import { readMoment } from './moment.ts';
import { checkVersion, describeIssues, type MessageSource, readJsonObject, UnreadableMessage } from './read-message.ts';

/**
 * Reads a message of `chat_requests`. If it has no requestId, the AMQP `message_id` is used. If that is missing too, the id
 * is derived from the body, so that a redelivered message gets the same one.
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

/** An empty text in these fields counts as left out. In a deadline it is an error. */
const EMPTY_IS_ABSENT = new Set(['requestId', 'model', 'priority', 'createdAt']);

/**
 * The fields that count, with times in UTC. An unreadable `createdAt` is left out, because nothing depends on it; an
 * unreadable `deadline` stays, and is refused.
 */
function withoutEmpty(value: Record<string, unknown>): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== null && !(field === '' && EMPTY_IS_ABSENT.has(name))) given[name] = field;
  }
  // checkVersion has found that it is 1, in one of the ways to write that.
  delete given.version;
  given.createdAt = readMoment(given.createdAt);
  given.deadline = readMoment(given.deadline) ?? given.deadline;
  if (Array.isArray(given.context)) given.context = given.context.filter((entry) => !isEmptyTurn(entry));
  return given;
}

/** Some clients keep an earlier turn without a text for a question that was never answered. */
const isEmptyTurn = (entry: { content?: unknown } | null) => entry?.content === null || entry?.content === '';

/**
 * The same for each delivery of a message. If two clients ask the same, the ids differ by the place where each wants its
 * answer.
 */
function derivedRequestId({ body, replyTo, correlationId }: MessageSource): string {
  const hash = createHash('sha256').update(body);
  if (replyTo) hash.update(JSON.stringify([replyTo, correlationId]));
  return `sha256-${hash.digest('hex')}`;
}
