import type { ChatResponse } from '../../../src/contracts/chat-response.ts';
import type { TurnAddress } from '../../../src/contracts/conversation.ts';

/** An answer to a question. */
export const responseTo = (
  { requestId, sessionId, userId }: TurnAddress,
  fields: Partial<ChatResponse> = {},
): ChatResponse => ({
  version: 1,
  requestId,
  sessionId,
  userId,
  status: 'completed',
  response: 'So.',
  error: null,
  model: 'm',
  provider: 'p',
  cached: false,
  usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3, cost: 0.5 },
  finishReason: 'stop',
  attempts: 2,
  timings: { waitMs: 1, modelMs: 2.5, totalMs: 4 },
  completedAt: '2026-01-01T00:00:02.000Z',
  ...fields,
});
