import type { PlaceInLine } from '../../adapters/jobs/place-in-line.ts';
import { ApiError } from '../../contracts/errors.ts';
import { createDrainRate, expectedMs } from './drain-rate.ts';

/** Where a request stands. */
export interface Standing {
  /** How many requests are worked on before it, at most; 0: it is being worked on, or waits for its next attempt. */
  position: number;
  /** ms until its answer is to be expected; null: not known. */
  etaMs: number | null;
}

/** Of a request that stands nowhere any more. */
export const ENDED = { position: null, etaMs: null };

/** What is seen of all queues, by all replicas. */
export interface QueuesSeen {
  /** In RabbitMQ. */
  inBroker: number;
  /** Jobs that no worker has taken. */
  inJobs: number;
  /** All answers that were ever written down. */
  settled: number;
}

/** The line of requests before the workers, as one api process sees it. */
export interface Line {
  start(): void;
  stop(): void;
  readonly waiting: number;
  /** Requests worked off in a second; undefined: not known. */
  readonly drainRate: number | undefined;
  /** An answer was written down. */
  settled(timings: { waitMs: number; totalMs: number }): void;
  /**
   * Lets a new request in, at the end of the line.
   * @throws ApiError overloaded: the line is too long, or it would not be answered by its deadline
   */
  admit(): Standing;
  /** Where a request stands that was let in before. */
  standing(requestId: string): Promise<Standing>;
}

const LOOK_MS = 1_000;
/** The newest answer counts for so much of what an answer takes. */
const WORK_WEIGHT = 0.05;
const RETRY_SECONDS = { least: 1, unknown: 30, most: 3_600 };

/**
 * @param options.look reads the queues, and adds answers to the count of all replicas: one round trip each second
 * @param options.placeOf where a request's job is; undefined: RabbitMQ still has it
 * @param options.shedAbove so many waiting requests are enough
 */
export function createLine(options: {
  look: (newlySettled: number) => Promise<QueuesSeen | undefined>;
  placeOf: (requestId: string) => Promise<PlaceInLine | undefined>;
  requestDeadlineMs: number;
  shedAbove: number;
}): Line {
  const { look, placeOf, requestDeadlineMs, shedAbove } = options;
  const rate = createDrainRate();
  let seen: QueuesSeen = { inBroker: 0, inJobs: 0, settled: 0 };
  /** Let in by this process since it looked last. */
  let admitted = 0;
  let newlySettled = 0;
  let workMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const waiting = () => seen.inBroker + seen.inJobs + admitted;
  const eta = (ahead: number) => expectedMs(ahead, rate.perSecond, workMs);

  async function lookAgain(): Promise<void> {
    const counted = newlySettled;
    newlySettled = 0;
    const before = admitted;
    const next = await look(counted).catch(() => undefined);
    if (next) {
      seen = next;
      admitted -= before;
      rate.observe({ at: Date.now(), waiting: next.inBroker + next.inJobs, settled: next.settled });
    } else {
      newlySettled += counted;
    }
    if (!stopped) timer = setTimeout(() => void lookAgain(), LOOK_MS);
  }

  function refuseIfTooLong(ahead: number): void {
    const lateMs = (expectedMs(ahead, rate.perSecond, workMs) ?? 0) - requestDeadlineMs;
    if (ahead < shedAbove && lateMs <= 0) return;
    const tooMany = Math.max(0, ahead + 1 - shedAbove);
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
    settled: ({ waitMs, totalMs }) => {
      newlySettled += 1;
      const ms = Math.max(0, totalMs - waitMs);
      workMs = workMs === undefined ? ms : workMs + (ms - workMs) * WORK_WEIGHT;
    },
    admit: () => {
      const ahead = waiting();
      refuseIfTooLong(ahead);
      admitted += 1;
      return { position: ahead, etaMs: eta(ahead) };
    },
    standing: async (requestId) => {
      const place = await placeOf(requestId);
      if (!place) return { position: waiting(), etaMs: eta(waiting()) };
      if (place.kind === 'waiting') return { position: place.ahead, etaMs: eta(place.ahead) };
      const leftMs = place.kind === 'delayed' ? place.leftMs : 0;
      return { position: 0, etaMs: workMs === undefined ? null : Math.round(leftMs + workMs) };
    },
  };
}
