import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { SessionTurn } from '../../contracts/http/chat-bodies.ts';

/** The fields of a turn in the session's hash: the question, and until the answer is there the turn's state. */
export interface StoredTurn {
  requestId: string;
  question: string | null | undefined;
  state: string | null | undefined;
  answer: string | null | undefined;
}

/** The turn as its user sees it; undefined while the user is not to see it. */
export function visibleTurn({ requestId, question, state, answer }: StoredTurn): SessionTurn | undefined {
  if (!question || (!answer && state !== 'queued')) return undefined;
  const { message, createdAt } = readQuestion(question);
  return turnOf({ requestId, message, createdAt }, answer ? (JSON.parse(answer) as ChatResponse) : undefined);
}

/** When a stored question was asked, ISO 8601. */
export const createdAtOf = (question: string): string => readQuestion(question).createdAt;

/** @param question the turn's number, and JSON */
const readQuestion = (question: string) =>
  JSON.parse(question.slice(question.indexOf(' '))) as { message: string; createdAt: string };

/** A question's turn: queued, or with its terminal state. */
export function turnOf(
  { requestId, message, createdAt }: Pick<SessionTurn, 'requestId' | 'message' | 'createdAt'>,
  response: ChatResponse | undefined,
): SessionTurn {
  return {
    requestId,
    status: response?.status ?? 'queued',
    message,
    response: response?.response ?? null,
    error: response?.error ?? null,
    model: response?.model ?? null,
    provider: response?.provider ?? null,
    cached: response?.cached ?? false,
    usage: response?.usage ?? null,
    finishReason: response?.finishReason ?? (response?.status === 'cancelled' ? 'cancelled' : null),
    attempts: response?.attempts ?? 0,
    retry: null,
    timings: response?.timings ?? null,
    createdAt,
    completedAt: response?.completedAt ?? null,
  };
}
