import type { PlaceInLine, UsersRequest } from '../../../adapters/jobs/place-in-line.ts';
import { ApiError } from '../../../contracts/errors.ts';
import { createAdmittedRequests } from './admitted-requests.ts';
import { createAnswerTimes } from './answer-times.ts';
import { createDrainRate } from './drain-rate.ts';
import type { LookAtLine, QueuesSeen } from './look-at-line.ts';
import { type Estimates, type Progress, progressOf, type Standing } from './progress.ts';
import { createWorkerPlaces } from './worker-places.ts';
import { createWorkerPresence } from './worker-presence.ts';

/** The line of requests before the workers, as one api process sees it. */
export interface Line {
  start(): void;
  stop(): void;
  readonly waiting: number;
  /** How many requests are finished in a second; undefined: not known. */
  readonly drainRate: number | undefined;
  /** When a question that is asked now will be answered, in ms from now; null: nobody knows. */
  readonly nextEtaMs: number | null;
  /** Whether anybody answers questions, as far as is known; workers in other languages as well. */
  readonly isWorkedOn: boolean;
  /** This process has written an answer down. */
  settled(answer: { cached: boolean; timings: { waitMs: number; totalMs: number } }): void;
  /** A request has ended. Another process may have written the answer down. */
  ended(requestId: string): void;
  /**
   * Lets a new request in, at the end of the line.
   * @throws ApiError overloaded: the line is too long, or the request would not be answered by its deadline
   */
  admit(requestId: string): Standing;
  /** What is happening to a user's requests that were let in before; one round trip for all of them. */
  progress(userId: string, requests: readonly { requestId: string; createdAt: string }[]): Promise<Progress[]>;
}

const LOOK_EVERY_MS = 1_000;
/** The Retry-After of a refusal. */
const RETRY_SECONDS = { least: 1, unknown: 30, most: 3_600 };

const NOTHING_SEEN: QueuesSeen = {
  inBroker: 0,
  inJobs: 0,
  inHand: 0,
  consumers: 0,
  workerAlive: false,
  workersSilent: false,
  modelShut: false,
  settled: 0,
};

/**
 * Looks at all queues once a second. From what it sees, and from what this process does between two looks, it tells how
 * many requests wait, how soon one is answered, and whether a new one may come in. Before the first look it lets every
 * request in and estimates nothing. While looks fail, the last successful one still counts, but estimates end after a
 * few seconds.
 * @param options.placesOf finds where the jobs of these requests are
 * @param options.shedAbove from this number of waiting requests on, no new one is let in
 * @param options.onLook called after each successful look
 */
export function createLine(options: {
  look: LookAtLine;
  placesOf: (requests: readonly UsersRequest[]) => Promise<PlaceInLine[]>;
  requestDeadlineMs: number;
  shedAbove: number;
  onLook?: (seen: QueuesSeen, drainRate: number | undefined) => void;
}): Line {
  const { look, placesOf, requestDeadlineMs, shedAbove, onLook = () => {} } = options;
  const rate = createDrainRate();
  const answerTimes = createAnswerTimes();
  const places = createWorkerPlaces();
  const workers = createWorkerPresence();
  const admitted = createAdmittedRequests();
  let seen = NOTHING_SEEN;
  /** Answers that this process has written down since the last successful look. */
  let newlySettled = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const waiting = () => seen.inBroker + seen.inJobs + admitted.size;
  /** While workers have free places, they take new requests at once, so nobody waits behind those. */
  const ahead = () => Math.max(0, waiting() - places.free(seen));

  function etaMs(before: number): number | null {
    // While no provider may be asked, nobody knows when one can be asked again.
    if (!workers.isWorkedOn(seen) || seen.modelShut) return null;
    const workMs = answerTimes.remainingMs(0);
    if (before === 0) return workMs === null ? null : Math.round(workMs);
    return rate.perSecond === undefined ? null : Math.round((before / rate.perSecond) * 1000 + (workMs ?? 0));
  }

  const estimates: Estimates = {
    etaMs,
    workLeftMs: (elapsedMs) =>
      workers.isWorkedOn(seen) || workers.isTraced() ? answerTimes.remainingMs(elapsedMs) : null,
    beforeLast: ahead,
    brokerIsEmpty: () => seen.inBroker === 0,
  };

  async function lookAgain(): Promise<void> {
    const counted = newlySettled;
    newlySettled = 0;
    admitted.lookBegins();
    const startedAt = performance.now();
    const next = await look(counted).catch(() => undefined);
    if (next) {
      places.observe(seen, next);
      workers.observe(seen, next, startedAt);
      rate.observe({ at: startedAt, waiting: next.inBroker + next.inJobs, settled: next.settled });
      seen = next;
      onLook(seen, rate.perSecond);
    } else {
      newlySettled += counted;
    }
    admitted.lookEnds({ succeeded: next !== undefined });
    if (!stopped) timer = setTimeout(() => void lookAgain(), LOOK_EVERY_MS);
  }

  function refuseIfTooLong(before: number): void {
    const workMs = answerTimes.remainingMs(0) ?? 0;
    const waitMs = before > 0 && rate.perSecond ? (before / rate.perSecond) * 1000 + workMs : 0;
    const lateMs = waitMs - requestDeadlineMs;
    if (before < shedAbove && lateMs <= 0) return;
    const tooMany = Math.max(0, before + 1 - shedAbove);
    const seconds = rate.perSecond ? Math.max(tooMany / rate.perSecond, lateMs / 1000) : RETRY_SECONDS.unknown;
    throw new ApiError('overloaded', {
      retryAfterSeconds: Math.min(RETRY_SECONDS.most, Math.max(RETRY_SECONDS.least, Math.ceil(seconds))),
    });
  }

  return {
    start: () => void lookAgain(),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
    get waiting() {
      return waiting();
    },
    get drainRate() {
      return rate.perSecond;
    },
    get nextEtaMs() {
      return etaMs(ahead());
    },
    get isWorkedOn() {
      return workers.isWorkedOn(seen);
    },
    settled: ({ cached, timings: { waitMs, totalMs } }) => {
      newlySettled += 1;
      workers.answered();
      // A cached answer takes no work, so its time is not counted.
      if (!cached) answerTimes.add(Math.max(0, totalMs - waitMs));
    },
    ended: admitted.ended,
    admit: (requestId) => {
      refuseIfTooLong(waiting());
      const position = ahead();
      admitted.add(requestId);
      return { position, etaMs: etaMs(position) };
    },
    progress: async (userId, requests) => {
      const found = await placesOf(requests.map(({ requestId }) => ({ requestId, userId })));
      return found.map((place, index) => progressOf(place, requests[index]!.createdAt, estimates));
    },
  };
}
