import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';

export interface CanaryTimes {
  /** How long the queue must stay empty, with no letter coming back. */
  settleMs: number;
  /** How long to wait until a consumer has taken the letters. */
  timeoutMs: number;
}

const POLL_MS = 100;

/**
 * Waits until the letters that were just sent have succeeded. They have if a consumer has emptied their queue, the
 * queue is still empty `settleMs` later, and no letter has become a dead letter again. Nothing is taken from any queue
 * to find this out. The canary is *waiting* for a consumer, then *settling*, and ends as *passed* or *failed*.
 * @param hasReturned how many letters have come back so far
 * @returns why they failed. undefined: they have passed
 */
export async function watchCanary(
  letters: OpenDeadLetters,
  hasReturned: () => number,
  { settleMs, timeoutMs }: CanaryTimes,
): Promise<string | undefined> {
  const end = performance.now() + timeoutMs;
  let takenAt: number | undefined;
  for (;;) {
    if (hasReturned() > 0) return `${hasReturned()} of the canary's letters came back`;
    const { waiting, consumers } = await letters.workQueue();
    if (waiting === 0 && consumers > 0) {
      takenAt ??= performance.now();
      if (performance.now() - takenAt >= settleMs && hasReturned() === 0) return undefined;
    }
    if (performance.now() > end) {
      if (consumers === 0) return "nobody takes messages from the canary's queue";
      return "the canary's queue was not emptied in time, so its result is not known";
    }
    await sleep(POLL_MS);
  }
}
