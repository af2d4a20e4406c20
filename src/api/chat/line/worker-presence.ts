import type { QueuesSeen } from './look-at-line.ts';

/** What was seen longer ago than this says nothing of now. */
const STALE_MS = 5_000;
/** Workers leave a trace in Redis every few seconds, and it is gone for a moment in between. */
const WORKER_SILENT_MS = 5_000;

/**
 * Whether some worker is there. Three things show it: an answer that this process has just written down; consumers of
 * `chat_requests`; and traces in the job queue. A worker that has enough jobs does not consume, but it leaves traces.
 */
export function createWorkerPresence() {
  let answeredAt = Number.NEGATIVE_INFINITY;
  let seenAt = Number.NEGATIVE_INFINITY;
  let tracedAt = Number.NEGATIVE_INFINITY;
  const isTraced = () => performance.now() - tracedAt < WORKER_SILENT_MS;
  return {
    answered(): void {
      answeredAt = performance.now();
    },
    /** @param lookedAt when the look began, ms of the monotonic clock: what came since is newer than what it saw */
    observe(earlier: QueuesSeen, now: QueuesSeen, lookedAt: number): void {
      seenAt = lookedAt;
      if (now.workerAlive || now.settled > earlier.settled) tracedAt = lookedAt;
    },
    /** Whether workers take requests from the line now. */
    isWorkedOn({ consumers, inJobs }: QueuesSeen): boolean {
      const now = performance.now();
      // A worker that has just started is known by its answers.
      if (answeredAt > seenAt) return now - answeredAt < STALE_MS;
      return now - seenAt < STALE_MS && (consumers > 0 || (inJobs > 0 && isTraced()));
    },
    /** Whether a worker has shown lately that it runs. */
    isTraced,
  };
}
