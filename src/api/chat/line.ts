import type { PlaceInLine } from '../../adapters/jobs/place-in-line.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { Retry } from '../../contracts/http/chat-bodies.ts';
import { createAnswerTimes } from './answer-times.ts';
import { createDrainRate } from './drain-rate.ts';

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
  /** The one under way included. */
  attempts: number;
  /** Only of one that is retrying. */
  retry: Retry | null;
}

/** The place of a request that has ended. */
export const ENDED = { position: null, etaMs: null };

/** What is seen of all queues, by all replicas. */
export interface QueuesSeen {
  /** In RabbitMQ. */
  inBroker: number;
  /** Jobs that no worker has taken. */
  inJobs: number;
  /** Jobs that workers have in hand. */
  inHand: number;
  /** Workers that take requests from RabbitMQ; none while they have enough. */
  consumers: number;
  /** A worker has shown within the last seconds that it runs. */
  workerAlive: boolean;
  /** No provider may be asked: each has failed, or has asked for a pause. */
  modelShut: boolean;
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
  /** An answer was written down by this process. */
  settled(answer: { cached: boolean; timings: { waitMs: number; totalMs: number } }): void;
  /** A request has ended; another process may have written that down. */
  ended(requestId: string): void;
  /**
   * Lets a new request in, at the end of the line.
   * @throws ApiError overloaded: the line is too long, or it would not be answered by its deadline
   */
  admit(requestId: string): Standing;
  /** What is happening to requests that were let in before; one round trip for all of them. */
  progress(requests: readonly { requestId: string; createdAt: string }[]): Promise<Progress[]>;
}

const LOOK_MS = 1_000;
/** What was seen longer ago says nothing of now. */
const STALE_MS = 5_000;
/** Workers leave a trace every few seconds, and it is gone for a moment in between. */
const WORKER_SILENT_MS = 5_000;
/** A worker takes as many at once, at least, until more is known. */
const LEAST_IN_HAND = 10;
/** A request takes no longer from RabbitMQ to its job, where none waits before it. */
const HANDOVER_MS = 5_000;
const RETRY_SECONDS = { least: 1, unknown: 30, most: 3_600 };
/** Why a job is delayed whose question another request is asking. */
const ASKED_BY_ANOTHER = 'answer_under_way';

/**
 * @param options.look reads the queues, and adds answers to the count of all replicas: one round trip each second
 * @param options.placesOf where the jobs of these requests are
 * @param options.shedAbove so many waiting requests are enough
 */
export function createLine(options: {
  look: (newlySettled: number) => Promise<QueuesSeen | undefined>;
  placesOf: (requestIds: string[]) => Promise<PlaceInLine[]>;
  requestDeadlineMs: number;
  shedAbove: number;
}): Line {
  const { look, placesOf, requestDeadlineMs, shedAbove } = options;
  const rate = createDrainRate();
  const answerTimes = createAnswerTimes();
  let seen: QueuesSeen = {
    inBroker: 0,
    inJobs: 0,
    inHand: 0,
    consumers: 0,
    workerAlive: false,
    modelShut: false,
    settled: 0,
  };
  let seenAt = Number.NEGATIVE_INFINITY;
  /** The most that all workers were seen to have in hand at once. */
  let mostInHand = 0;
  /** How many they have in hand when all their places are taken. undefined: not seen yet. */
  let fullHands: number | undefined;
  /** Ids of requests that this process accepted since its last look, and that have not ended. */
  let admitted = new Set<string>();
  /** The same, for requests that were accepted before the look that is under way. */
  let admittedBefore = new Set<string>();
  let newlySettled = 0;
  let answeredAt = Number.NEGATIVE_INFINITY;
  let workerSeenAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const lately = () => admitted.size + admittedBefore.size;
  const waiting = () => seen.inBroker + seen.inJobs + lately();

  /** While workers have free places they take new requests at once, so nobody waits behind those. */
  function ahead(): number {
    const hands = fullHands ?? Math.max(mostInHand, LEAST_IN_HAND * seen.consumers);
    return Math.max(0, waiting() - Math.max(0, hands - seen.inHand));
  }

  const workerSeenLately = () => performance.now() - workerSeenAt < WORKER_SILENT_MS;

  /**
   * Whether some worker is there. Those that have enough do not take more from RabbitMQ, but they work on their jobs; one
   * that has just come is known by its answers.
   */
  function isWorkedOn(): boolean {
    const now = performance.now();
    if (answeredAt > seenAt) return now - answeredAt < STALE_MS;
    return now - seenAt < STALE_MS && (seen.consumers > 0 || (seen.inJobs > 0 && workerSeenLately()));
  }

  function etaMs(before: number): number | null {
    // When a provider can be asked again is not known before it was.
    if (!isWorkedOn() || seen.modelShut) return null;
    const workMs = answerTimes.remainingMs(0);
    if (before === 0) return workMs === null ? null : Math.round(workMs);
    return rate.perSecond === undefined ? null : Math.round((before / rate.perSecond) * 1000 + (workMs ?? 0));
  }

  function learnHands(earlier: QueuesSeen, now: QueuesSeen): void {
    if (now.consumers !== earlier.consumers) [mostInHand, fullHands] = [0, undefined];
    mostInHand = Math.max(mostInHand, now.inHand);
    if (fullHands !== undefined || (othersWait(earlier) && othersWait(now) && now.inHand > 0)) {
      fullHands = Math.max(fullHands ?? 0, now.inHand);
    }
  }

  async function lookAgain(): Promise<void> {
    const counted = newlySettled;
    newlySettled = 0;
    admittedBefore = admitted;
    admitted = new Set();
    // What comes while it looks is newer than what it sees.
    const startedAt = performance.now();
    const next = await look(counted).catch(() => undefined);
    if (next) {
      learnHands(seen, next);
      seenAt = startedAt;
      if (next.workerAlive || next.settled > seen.settled) workerSeenAt = seenAt;
      seen = next;
      rate.observe({ at: seenAt, waiting: next.inBroker + next.inJobs, settled: next.settled });
    } else {
      newlySettled += counted;
      for (const requestId of admittedBefore) admitted.add(requestId);
    }
    admittedBefore = new Set();
    if (!stopped) timer = setTimeout(() => void lookAgain(), LOOK_MS);
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

  function progressOf(place: PlaceInLine, createdAt: string): Progress {
    const now = Date.now();
    if (place.kind === 'waiting') {
      return { ...QUEUED, attempts: place.attemptsMade, position: place.ahead, etaMs: etaMs(place.ahead) };
    }
    if (place.kind === 'active') {
      const left =
        isWorkedOn() || workerSeenLately() ? answerTimes.remainingMs(Math.max(0, now - place.startedAt)) : null;
      return { ...ASKING, attempts: place.attemptsMade + 1, etaMs: left === null ? null : Math.round(left) };
    }
    if (place.kind === 'delayed') {
      const { attemptsMade, dueAt, retry } = place;
      if (retry?.code === ASKED_BY_ANOTHER) return { ...ASKING, attempts: attemptsMade + 1, etaMs: null };
      const workMs = etaMs(0);
      const nextAt = new Date(dueAt).toISOString();
      return {
        status: 'retrying',
        attempts: attemptsMade,
        retry: { since: retry?.since ?? createdAt, code: retry?.code ?? 'internal_error', nextAt },
        position: 0,
        etaMs: workMs === null ? null : Math.max(0, dueAt - now) + workMs,
      };
    }
    if (place.kind === 'finished') return { ...QUEUED, etaMs: null };
    // It is on its way, and itself one of those that wait.
    const before = Math.max(0, ahead() - 1);
    const missing = seen.inBroker === 0 && now - Date.parse(createdAt) > HANDOVER_MS;
    return { ...QUEUED, position: before, etaMs: missing ? null : etaMs(before) };
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
    settled: ({ cached, timings: { waitMs, totalMs } }) => {
      newlySettled += 1;
      answeredAt = performance.now();
      // Nobody waits for an answer that is there already.
      if (!cached) answerTimes.add(Math.max(0, totalMs - waitMs));
    },
    ended: (requestId) => {
      if (!admitted.delete(requestId)) admittedBefore.delete(requestId);
    },
    admit: (requestId) => {
      refuseIfTooLong(waiting());
      const position = ahead();
      admitted.add(requestId);
      return { position, etaMs: etaMs(position) };
    },
    progress: async (requests) => {
      const places = await placesOf(requests.map(({ requestId }) => requestId));
      return places.map((place, index) => progressOf(place, requests[index]!.createdAt));
    },
  };
}

const othersWait = ({ inBroker, inJobs }: QueuesSeen) => inBroker + inJobs > 0;

const QUEUED = { status: 'queued', attempts: 0, retry: null, position: 0 } as const;
const ASKING = { status: 'asking', retry: null, position: 0 } as const;
