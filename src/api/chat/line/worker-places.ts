import type { QueuesSeen } from './look-at-line.ts';

/** Until more is known, we assume that each worker works on this many requests at once. */
const ASSUMED_PLACES = 10;

/**
 * How many requests all workers together can work on at once. Nobody tells us, so it is learned.
 *
 * While nobody waits, workers may have free places, so the most that they were seen to work on is only a lower bound
 * (*unknown*). When requests wait at two looks in a row and the workers work on some, all places are taken, so the number
 * is *known*. It is unknown again when the number of consumers changes.
 */
export function createWorkerPlaces() {
  /** The most requests that were seen in work at once. */
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
    /** How many more requests the workers can begin with at once. */
    free({ inHand, consumers }: QueuesSeen): number {
      return Math.max(0, (known ?? Math.max(most, ASSUMED_PLACES * consumers)) - inHand);
    },
  };
}

const othersWait = ({ inBroker, inJobs }: QueuesSeen) => inBroker + inJobs > 0;
