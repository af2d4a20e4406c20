import type { ChatResponse, Failure } from '../../contracts/chat-response.ts';

/**
 * Makes the answer of a turn that the api itself ends: a failure, or a cancellation if no failure is given.
 * @param turn.text what was written before the cancellation
 */
export function endedTurn(
  turn: { sessionId: string; requestId: string; userId: string; createdAt: string; text?: string | undefined },
  failure?: Failure,
): ChatResponse {
  const now = Date.now();
  const totalMs = Math.max(0, now - Date.parse(turn.createdAt));
  return {
    version: 1,
    requestId: turn.requestId,
    sessionId: turn.sessionId,
    userId: turn.userId,
    status: failure ? 'failed' : 'cancelled',
    response: (!failure && turn.text) || null,
    error: failure ?? null,
    model: null,
    provider: null,
    cached: false,
    usage: null,
    finishReason: failure ? null : 'cancelled',
    attempts: 0,
    timings: { waitMs: totalMs, modelMs: 0, totalMs },
    completedAt: new Date(now).toISOString(),
  };
}
