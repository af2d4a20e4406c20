import type { ArchivedSession, ArchivedTurn } from '../../src/adapters/conversations/history-archive.ts';
import type { ChatResponse } from '../../src/contracts/chat-response.ts';

const ANSWER = 'Drink when you are thirsty, and more when it is hot. '.repeat(20);

export const TURNS_OF_A_SESSION = 20;
export const RETENTION_MS = 90 * 86_400_000;

export const userOf = (session: number, users: number) => `user-${session % users}`;

/** A session without encryption. */
interface PlainSession extends ArchivedSession {
  turns: (Extract<ArchivedTurn, { message: string }> & { response: ChatResponse })[];
}

/**
 * Makes sessions that have ended, with answers of about a kilobyte. The newest turn was asked now, and each earlier one a
 * millisecond before.
 */
export function* makeSessions({ turns, users }: { turns: number; users: number }): Generator<PlainSession> {
  const startedAt = Date.now() - turns;
  for (let session = 0; session * TURNS_OF_A_SESSION < turns; session++) {
    const [sessionId, userId] = [`session-${session}`, userOf(session, users)];
    const at = (number: number) => new Date(startedAt + session * TURNS_OF_A_SESSION + number).toISOString();
    yield {
      ...{ sessionId, userId, title: `Session ${session}`, createdAt: at(0), updatedAt: at(TURNS_OF_A_SESSION) },
      keptUntil: new Date(Date.now() + RETENTION_MS).toISOString(),
      turns: Array.from({ length: TURNS_OF_A_SESSION }, (_, number) => {
        const requestId = `request-${session}-${number}`;
        const message = 'How much water should I drink a day?';
        return {
          ...{ requestId, number, message, createdAt: at(number), feedback: null },
          response: {
            ...{ version: 1, requestId, sessionId, userId, status: 'completed', response: ANSWER, error: null },
            ...{ model: 'm', provider: 'p', cached: false, usage: null, finishReason: 'stop', attempts: 1 },
            ...{ timings: { waitMs: 1, modelMs: 900, totalMs: 905 }, completedAt: at(number) },
          },
        };
      }),
    };
  }
}
