import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { SessionTurn } from '../../contracts/http.ts';

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
  const { message, createdAt } = JSON.parse(question.slice(question.indexOf(' '))) as {
    message: string;
    createdAt: string;
  };
  return turnOf({ requestId, message, createdAt }, answer ? (JSON.parse(answer) as ChatResponse) : undefined);
}

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
    timings: response?.timings ?? null,
    createdAt,
    completedAt: response?.completedAt ?? null,
  };
}

/** The visible turns among the fields of a session's hash, in the order in which they were begun. */
export function visibleTurns(fields: Record<string, string>): SessionTurn[] {
  return Object.entries(fields)
    .filter(([field]) => field.endsWith(':q'))
    .map(([field, question]) => ({ requestId: field.slice(0, -2), question, number: Number.parseInt(question, 10) }))
    .sort((a, b) => a.number - b.number)
    .map(({ requestId, question }) =>
      visibleTurn({ requestId, question, state: fields[`${requestId}:s`], answer: fields[`${requestId}:a`] }),
    )
    .filter((turn) => turn !== undefined);
}
