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
  const { message, createdAt } = JSON.parse(question) as { message: string; createdAt: string };
  const response = answer ? (JSON.parse(answer) as ChatResponse) : undefined;
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
    attempts: response?.attempts ?? 0,
    timings: response?.timings ?? null,
    createdAt,
    completedAt: response?.completedAt ?? null,
  };
}

/** The visible turns among the fields of a session's hash, oldest first; fields come in the order they were made. */
export function visibleTurns(fields: Record<string, string>): SessionTurn[] {
  return Object.keys(fields)
    .filter((field) => field.endsWith(':q'))
    .map((field) => field.slice(0, -2))
    .map((requestId) =>
      visibleTurn({
        requestId,
        question: fields[`${requestId}:q`],
        state: fields[`${requestId}:s`],
        answer: fields[`${requestId}:a`],
      }),
    )
    .filter((turn) => turn !== undefined)
    .sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
}
