/** What is seen of the queues at one moment. */
export interface Sample {
  /** ms */
  at: number;
  /** Requests that nobody is working on yet. */
  waiting: number;
  /** The count of all answers that were ever written down. */
  settled: number;
}

/** Half of the measurements are forgotten in about ten seconds. */
const TIME_CONSTANT_MS = 15_000;

/**
 * How many requests all workers together finish in a second. We measure only the intervals that had requests waiting at
 * the beginning and at the end. In other intervals the workers were not busy all the time, so they only show a minimum.
 * Such an interval is used if it shows a higher rate than before. Otherwise a low rate that was measured in an outage
 * would make the api refuse questions. Then the line would stay empty, and the rate would never be measured again.
 */
export function createDrainRate() {
  let before: Sample | undefined;
  /** How many requests were settled while requests waited, and in how much time. Older measurements count less. */
  let settled = 0;
  let busyMs = 0;
  return {
    /**
     * undefined: nothing was measured yet. It is never zero: if no request was finished, the rate is one request in the
     * measured time.
     */
    get perSecond(): number | undefined {
      return busyMs === 0 ? undefined : (Math.max(1, settled) / busyMs) * 1000;
    },
    observe(sample: Sample): void {
      const earlier = before;
      before = sample;
      // If the counter has gone down, the store was emptied.
      if (!earlier || sample.at <= earlier.at || sample.settled < earlier.settled) return;
      const elapsedMs = sample.at - earlier.at;
      const newlySettled = sample.settled - earlier.settled;
      const othersWaited = earlier.waiting > 0 && sample.waiting > 0;
      // An unknown rate stays unknown until requests wait.
      const more = busyMs > 0 && newlySettled / elapsedMs > settled / busyMs;
      if (!othersWaited && !more) return;
      const kept = Math.exp(-elapsedMs / TIME_CONSTANT_MS);
      settled = settled * kept + newlySettled;
      busyMs = busyMs * kept + elapsedMs;
    },
  };
}
