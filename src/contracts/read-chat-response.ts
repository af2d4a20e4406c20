import { type ChatResponse, chatResponse } from './chat-response.ts';
import { failureCodeOf, failureOf } from './error-codes.ts';
import { fieldRule } from './field-rule.ts';
import { limits } from './limits.ts';
import { readMoment } from './moment.ts';
import { describeIssues, type MessageSource, readJsonObject, UnreadableMessage } from './read-message.ts';
import { type Received, receive } from './sealed-message.ts';
import { plainSeals } from './sealing.ts';

/**
 * Reads a message of `chat_responses` whose texts are not sealed.
 * @throws UnreadableMessage
 */
export const readChatResponse = (source: MessageSource): ChatResponse => receiveChatResponse(source).open(plainSeals);

/**
 * Begins to read a message of `chat_responses`.
 * @throws UnreadableMessage
 */
export function receiveChatResponse(source: MessageSource): Received<ChatResponse> {
  const value = readJsonObject(source.body, source.contentEncoding, limits.responseMessageBytes);
  return receive('response', value, readFields, { status: 'cancelled', response: null, error: null });
}

function readFields({ version: _one, ...fields }: Record<string, unknown>): ChatResponse {
  // null counts as missing.
  const given = Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== null));
  const completedAt = readMoment(fields.completedAt) ?? fields.completedAt;
  const parsed = readable.safeParse(
    { ...given, error: currentFailure(given.error), completedAt },
    { error: fieldRule },
  );
  if (!parsed.success) throw new UnreadableMessage('invalid_message', describeIssues(parsed.error));
  return parsed.data;
}

/** A field that only a later version knows is kept with the turn. */
const readable = chatResponse.loose();

/** An answer may have waited in the queue since an earlier version wrote it. Its failure gets today's code. */
function currentFailure(error: unknown): unknown {
  const former = (error as { code?: unknown } | null | undefined)?.code;
  const code = failureCodeOf(former);
  return code === undefined || code === former ? error : failureOf(code);
}
