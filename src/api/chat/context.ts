import type { ContextTurn } from '../../contracts/chat-request.ts';
import type { Turn } from '../../contracts/conversation.ts';
import { limits } from '../../contracts/limits.ts';

const BYTES_PER_TOKEN = 4;
/** The largest context in a message on `chat_requests`. The rest of the message is for the question. */
const MAX_JSON_BYTES = limits.requestMessageBytes / 2;

/** How many bytes of a stored turn are not text, at most. */
const TURN_BYTES = 2_048;

/** The largest number of turns that are sent, and so need to be read. A turn is two entries of the context. */
export const CONTEXT_TURNS = limits.contextTurns / 2;

/** How many bytes a byte of text may take in a stored turn: JSON escapes it, and it may be encrypted, in base64. */
const BYTES_PER_TEXT_BYTE = 3;

/** How many bytes of the newest stored turns must be read to have everything that fits into a context. */
export const contextBytes = (maxTokens: number) =>
  BYTES_PER_TEXT_BYTE * Math.min(MAX_JSON_BYTES, maxTokens * BYTES_PER_TOKEN) + CONTEXT_TURNS * TURN_BYTES;

/**
 * Returns the earlier turns that are sent with a question: the newest ones with an answer, as many as fit. Each turn is sent
 * whole. The oldest comes first.
 * @param turns oldest first
 * @param maxTokens four bytes of UTF-8 count as a token
 */
export function contextOf(turns: readonly Turn[], maxTokens: number): ContextTurn[] {
  const context: ContextTurn[] = [];
  let tokens = 0;
  let jsonBytes = 0;
  for (const { message, answer } of turns.toReversed()) {
    // A cancelled answer is sent as far as it was written.
    if (!answer?.response) continue;
    const { response } = answer;
    const pair: ContextTurn[] = [
      { role: 'user', content: message },
      { role: 'assistant', content: response },
    ];
    tokens += tokensOf(message) + tokensOf(response);
    jsonBytes += Buffer.byteLength(JSON.stringify(pair));
    if (tokens > maxTokens || jsonBytes > MAX_JSON_BYTES || context.length + pair.length > limits.contextTurns) break;
    context.unshift(...pair);
  }
  return context;
}

const tokensOf = (text: string) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
