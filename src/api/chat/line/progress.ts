import type { PlaceInLine } from '../../../adapters/jobs/place-in-line.ts';
import type { Retry } from '../../../contracts/http/chat-bodies.ts';

/** Where a request stands. */
export interface Standing {
  /** How many requests are before it, as far as is known; 0: it is being worked on, or waits for its next attempt. */
  position: number;
  /** ms until its answer is to be expected; null: not known. */
  etaMs: number | null;
}

/** What is happening to a request that has not ended. */
export interface Progress extends Standing {
  status: 'queued' | 'asking' | 'retrying';
  /** The attempts so far, with the one that is under way. */
  attempts: number;
  /** Only of a request that is retrying. */
  retry: Retry | null;
}

/** The place of a request that has ended. */
export const ENDED = { position: null, etaMs: null };

/** What the line knows beside the request's job. */
export interface Estimates {
  /** ms until the answer of a request that has so many before it; null: not known. */
  etaMs(before: number): number | null;
  /** ms until the end of work that began this long ago; null: not known. */
  workLeftMs(elapsedMs: number): number | null;
  /** How many requests the last one in the line has before it. */
  beforeLast(): number;
  /** Whether RabbitMQ had no request when it was last looked at. */
  brokerIsEmpty(): boolean;
}

/** Where no request waits, one takes no longer than this from RabbitMQ to its job. */
const HANDOVER_MS = 5_000;
/** Why a job is delayed whose question another request is asking just now. */
const ASKED_BY_ANOTHER = 'answer_under_way';

/**
 * @param place where its job is
 * @param createdAt when the question was asked, ISO 8601
 */
export function progressOf(place: PlaceInLine, createdAt: string, estimates: Estimates): Progress {
  const now = Date.now();
  switch (place.kind) {
    case 'waiting':
      return {
        ...QUEUED,
        attempts: place.attemptsMade,
        position: place.ahead,
        etaMs: estimates.etaMs(place.ahead),
      };
    case 'active': {
      const leftMs = estimates.workLeftMs(Math.max(0, now - place.startedAt));
      return { ...ASKING, attempts: place.attemptsMade + 1, etaMs: leftMs === null ? null : Math.round(leftMs) };
    }
    case 'delayed':
      return delayed(place, createdAt, estimates, now);
    case 'finished':
      return { ...QUEUED, etaMs: null };
    case 'none': {
      // It is on its way to its job, so it is itself one of those that wait.
      const before = Math.max(0, estimates.beforeLast() - 1);
      const missing = estimates.brokerIsEmpty() && now - Date.parse(createdAt) > HANDOVER_MS;
      return { ...QUEUED, position: before, etaMs: missing ? null : estimates.etaMs(before) };
    }
  }
}

/** A job is delayed until its next attempt, or until another request has the answer to the same question. */
function delayed(
  { attemptsMade, dueAt, retry }: Extract<PlaceInLine, { kind: 'delayed' }>,
  createdAt: string,
  estimates: Estimates,
  now: number,
): Progress {
  if (retry?.code === ASKED_BY_ANOTHER) return { ...ASKING, attempts: attemptsMade + 1, etaMs: null };
  const workMs = estimates.etaMs(0);
  const nextAt = new Date(dueAt).toISOString();
  return {
    status: 'retrying',
    attempts: attemptsMade,
    retry: { since: retry?.since ?? createdAt, code: retry?.code ?? 'internal_error', nextAt },
    position: 0,
    etaMs: workMs === null ? null : Math.max(0, dueAt - now) + workMs,
  };
}

const QUEUED = { status: 'queued', attempts: 0, retry: null, position: 0 } as const;
const ASKING = { status: 'asking', retry: null, position: 0 } as const;
