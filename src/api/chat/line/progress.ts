import type { PlaceInLine } from '../../../adapters/jobs/place-in-line.ts';
import type { Retry } from '../../../contracts/http/chat-bodies.ts';

/** A request's position in line, and the time until its answer. */
export interface Standing {
  /** How many requests are before it, as far as is known. 0: a worker has it, or it waits for its next attempt. */
  position: number;
  /** How many ms until its answer is expected; null: not known. */
  etaMs: number | null;
}

/** What is happening to a request that has not ended. */
export interface Progress extends Standing {
  status: 'queued' | 'asking' | 'retrying';
  /** The attempts so far, including the present one. */
  attempts: number;
  /** Only for a request that is retrying. */
  retry: Retry | null;
}

/** Position and time of a request that has ended. */
export const ENDED = { position: null, etaMs: null };

/** What the line knows in addition to the request's job. */
export interface Estimates {
  /** Returns how many ms until a request with `before` others before it is answered; null: not known. */
  etaMs(before: number): number | null;
  /** Returns how many ms until work that began `elapsedMs` ago ends; null: not known. */
  workLeftMs(elapsedMs: number): number | null;
  /** Returns how many requests are before the last one in the line. */
  beforeLast(): number;
  /** Whether RabbitMQ had no request at the last look. */
  brokerIsEmpty(): boolean;
}

/** While no request waits, a request takes at most this long from RabbitMQ to its job. */
const HANDOVER_MS = 5_000;
/** The code of a delayed job whose question another request is asking at present. */
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
      // It is on its way to its job, so it is itself one of the waiting requests.
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
