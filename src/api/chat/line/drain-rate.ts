/** What is seen of the queues at one moment. */
export interface Sample {
  /** ms */
  at: number;
  /** Requests that nobody works on yet. */
  waiting: number;
  /** All answers that were ever written down. */
  settled: number;
}

/** Half of what was seen is forgotten in about ten seconds. */
const TIME_CONSTANT_MS = 15_000;

/**
 * How many requests all workers finish in a second. We measure only those intervals that had requests waiting at the beginning
 * and at the end. In any other interval the workers were not busy all the time, so it shows only how many requests they
 * can do at least. Such an interval counts if it shows more than was thought. Otherwise a low rate that was measured in an
 * outage would have the api refuse questions, so that the line stays empty and the rate is never measured again.
 */
export function createDrainRate() {
  let before: Sample | undefined;
  /** What was settled while requests waited, and in how much time. Older measurements count for less. */
  let settled = 0;
  let busyMs = 0;
  return {
    /**
     * undefined: nothing was measured yet. Never zero: if nothing was worked off, the rate is taken as one request in the
     * time that was measured.
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
