import type { QueuesSeen } from './look-at-line.ts';

/** An observation older than this says nothing about the present. */
const STALE_MS = 5_000;
/** Workers leave a sign of life in Redis every few seconds. It expires shortly before the next one. */
const WORKER_SILENT_MS = 5_000;

/**
 * Whether any worker is running. Three things show it: an answer that this process has just written down, consumers of
 * `chat_requests`, and signs of life in the job queue. A worker with enough jobs does not consume, but it leaves such signs.
 * A worker that hangs is still a consumer. So if all our workers have fallen silent, only answers show that somebody else works:
 * a worker in another language has no heartbeat.
 */
export function createWorkerPresence() {
  let answeredAt = Number.NEGATIVE_INFINITY;
  let seenAt = Number.NEGATIVE_INFINITY;
  let tracedAt = Number.NEGATIVE_INFINITY;
  let settledAt = Number.NEGATIVE_INFINITY;
  const isTraced = () => performance.now() - tracedAt < WORKER_SILENT_MS;
  return {
    answered(): void {
      answeredAt = performance.now();
    },
    /**
     * @param lookedAt when the look began, in ms of the monotonic clock. Later events are newer than what the look saw
     */
    observe(earlier: QueuesSeen, now: QueuesSeen, lookedAt: number): void {
      seenAt = lookedAt;
      if (now.settled > earlier.settled) settledAt = lookedAt;
      if (now.workerAlive || settledAt === lookedAt) tracedAt = lookedAt;
    },
    /** Whether workers take requests from the line now. */
    isWorkedOn({ consumers, inJobs, workersSilent }: QueuesSeen): boolean {
      const now = performance.now();
      // The answers of a worker show that it runs, even if it started after the last look.
      if (answeredAt > seenAt) return now - answeredAt < STALE_MS;
      if (workersSilent) return now - settledAt < STALE_MS;
      return now - seenAt < STALE_MS && (consumers > 0 || (inJobs > 0 && isTraced()));
    },
    /** Whether a worker has recently left a sign of life. */
    isTraced,
  };
}
