import type { HistoryPage, SessionPage } from '../../adapters/conversations/conversation-store.ts';
import type { Turn } from '../../contracts/conversation.ts';
import type { HistoryPageBody, SessionBody, TurnBody, TurnWithSession } from '../../contracts/http/chat-bodies.ts';
import type { Progress } from './line/progress.ts';

/** The progress of turns that have not ended, by requestId. A missing turn counts as queued. */
export type TurnsProgress = ReadonlyMap<string, Progress>;

const UNKNOWN: TurnsProgress = new Map();

export function turnBody({ requestId, message, createdAt, answer, feedback }: Turn, progress = UNKNOWN): TurnBody {
  const now = answer ? undefined : progress.get(requestId);
  return {
    requestId,
    status: answer?.status ?? now?.status ?? 'queued',
    message,
    response: answer?.response ?? null,
    error: answer?.error ?? null,
    model: answer?.model ?? null,
    provider: answer?.provider ?? null,
    cached: answer?.cached ?? false,
    usage: answer?.usage ?? null,
    partialUsage: answer?.partialUsage ?? null,
    finishReason: answer?.finishReason ?? null,
    attempts: answer?.attempts ?? now?.attempts ?? 0,
    retry: now?.retry ?? null,
    timings: answer?.timings ?? null,
    createdAt,
    completedAt: answer?.completedAt ?? null,
    feedback,
  };
}

export const turnWithSession = (turn: Turn, progress?: TurnsProgress): TurnWithSession => ({
  ...turnBody(turn, progress),
  sessionId: turn.sessionId,
});

export function sessionBody(
  { session, turns, latest, nextCursor }: SessionPage,
  progress?: TurnsProgress,
): SessionBody {
  const { status, response } = turnBody(latest, progress);
  return {
    sessionId: session.sessionId,
    title: session.title,
    status,
    response,
    createdAt: session.createdAt,
    updatedAt: session.updatedAt,
    turns: turns.map((turn) => turnBody(turn, progress)),
    nextCursor,
  };
}

export const historyPageBody = ({ turns, nextCursor }: HistoryPage, progress?: TurnsProgress): HistoryPageBody => ({
  items: turns.map((turn) => turnWithSession(turn, progress)),
  nextCursor,
});
