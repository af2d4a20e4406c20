import type { QueuesSeen } from './look-at-line.ts';

/** How many requests each worker is assumed to work on at once, until more is known. */
const ASSUMED_PLACES = 10;

/**
 * How many requests all workers together can work on at once. No server knows this, so it is learned.
 *
 * While no request waits, workers may have free places. Then the largest number of requests that were seen in work is
 * only a lower bound (*unknown*). If requests wait at two looks in a row while workers work on some, all places are
 * taken, so the number is *known*. It becomes unknown again when the number of consumers changes.
 */
export function createWorkerPlaces() {
  /** The largest number of requests that were seen in work at once. */
  let most = 0;
  let known: number | undefined;
  return {
    observe(earlier: QueuesSeen, now: QueuesSeen): void {
      if (now.consumers !== earlier.consumers) [most, known] = [0, undefined];
      most = Math.max(most, now.inHand);
      if (known !== undefined || (othersWait(earlier) && othersWait(now) && now.inHand > 0)) {
        known = Math.max(known ?? 0, now.inHand);
      }
    },
    /** Returns how many more requests the workers can begin at once. */
    free({ inHand, consumers }: QueuesSeen): number {
      return Math.max(0, (known ?? Math.max(most, ASSUMED_PLACES * consumers)) - inHand);
    },
  };
}

const othersWait = ({ inBroker, inJobs }: QueuesSeen) => inBroker + inJobs > 0;
