import type { ConversationDocument } from '../../src/adapters/conversations/mongodb/documents.ts';

/** As the model simulator writes them: about four bytes. */
const TOKEN = 'word';

/**
 * What a request writes to MongoDB: its turn, and the document of its session. MongoDB itself takes no part in the
 * benchmark, because the server that tests use finds nothing by an index.
 */
export function documentsOf(tokens: number): ConversationDocument[] {
  const [sessionId, requestId, userId] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  const now = new Date();
  const at = now.toISOString();
  const message = 'How much water should I drink a day?';
  const usage = { promptTokens: 20, completionTokens: tokens, totalTokens: 20 + tokens, costUsd: null };
  return [
    {
      ...{ _id: JSON.stringify([sessionId, requestId]), kind: 'turn', sessionId, requestId, userId, number: 0 },
      ...{ askedAt: now.getTime(), createdAt: at, message, status: 'completed', expireAt: now },
      answer: {
        ...{
          version: 1,
          requestId,
          sessionId,
          userId,
          status: 'completed',
          response: TOKEN.repeat(tokens),
          error: null,
        },
        ...{ model: 'a-model', provider: 'openai', cached: false, usage, finishReason: 'stop', attempts: 1 },
        ...{ timings: { waitMs: 10, modelMs: 20_000, totalMs: 20_010 }, completedAt: at },
      } as never,
      answerKey: 'a'.repeat(43),
    },
    {
      ...{ _id: JSON.stringify([sessionId]), kind: 'session', sessionId, userId, title: message },
      ...{ askedAt: now.getTime(), createdAt: at, updatedAt: at, expireAt: now },
    },
  ];
}
