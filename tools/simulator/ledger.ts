import type { Question } from './answer.ts';
import { hashOf } from './marker.ts';

const CALLS_KEPT = 50_000;
const TEXT_CHARS = 200;

/** One call, for audits. */
export interface Call {
  hash: string;
  /** The beginning of the user's last message. */
  text: string;
  earlierTurns: number;
  /** ms since the epoch. */
  startedAt: number;
  endedAt: number | null;
  /** The HTTP status that was sent. null before that, or if the client closed the connection first. */
  status: number | null;
  abortedByClient: boolean;
}

/** Counts calls, and keeps the latest of them. */
export function createLedger() {
  let calls: Call[] = [];
  let started = 0;
  let finished = 0;
  let abortedByClient = 0;
  let inFlight = 0;
  let maxInFlight = 0;
  let byStatus: Record<string, number> = {};
  let era = 0;
  const eras = new WeakMap<Call, number>();

  return {
    start(question: Question): Call {
      const { text } = question;
      const call: Call = {
        hash: hashOf(text),
        // A copy, because a slice would keep the whole message in memory.
        text: text.length <= TEXT_CHARS ? text : Buffer.from(text.slice(0, TEXT_CHARS)).toString(),
        earlierTurns: question.earlierTurns,
        startedAt: Date.now(),
        endedAt: null,
        status: null,
        abortedByClient: false,
      };
      eras.set(call, era);
      if (calls.length >= 2 * CALLS_KEPT) calls = calls.slice(-CALLS_KEPT);
      calls.push(call);
      started += 1;
      inFlight += 1;
      maxInFlight = Math.max(maxInFlight, inFlight);
      return call;
    },

    end(call: Call, status: number | null, aborted: boolean): void {
      call.endedAt = Date.now();
      call.status = status;
      call.abortedByClient = aborted;
      inFlight -= 1;
      // Calls that began before the last reset are only counted in `inFlight`.
      if (eras.get(call) !== era) return;
      if (aborted) abortedByClient += 1;
      else finished += 1;
      if (status !== null) byStatus[status] = (byStatus[status] ?? 0) + 1;
    },

    stats: () => ({ started, finished, abortedByClient, inFlight, maxInFlight, byStatus }),

    /** Oldest first. */
    calls: () =>
      calls.slice(-CALLS_KEPT).map((call) => ({
        ...call,
        startedAt: new Date(call.startedAt).toISOString(),
        endedAt: call.endedAt === null ? null : new Date(call.endedAt).toISOString(),
      })),

    /** Sets all figures to zero, except `inFlight`. */
    reset(): void {
      era += 1;
      calls = [];
      started = 0;
      finished = 0;
      abortedByClient = 0;
      maxInFlight = inFlight;
      byStatus = {};
    },
  };
}

export type Ledger = ReturnType<typeof createLedger>;
