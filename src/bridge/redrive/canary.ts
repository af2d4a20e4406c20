import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';

export interface CanaryTimes {
  /** How long none may have come back. */
  settleMs: number;
  /** How long to wait for a consumer to take them. */
  timeoutMs: number;
}

const POLL_MS = 100;

/**
 * Waits until the letters just sent have succeeded: a consumer has emptied their queue, which is still empty `settleMs`
 * later, and none of them has become a dead letter again. Nothing is taken from any queue to find that out.
 * @param hasReturned how many have come back so far
 * @returns why they failed; undefined if they did not
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
      return "the canary's queue was not emptied in time, so that nobody can tell";
    }
    await sleep(POLL_MS);
  }
}
