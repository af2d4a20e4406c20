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
 * How many requests are worked off in a second. Times at whose both ends requests waited count. Any other says how many
 * came, and only the least of how many could: it counts where that is more than was thought, or what was seen in an outage
 * would keep the line empty, and so be believed for ever.
 */
export function createDrainRate() {
  let before: Sample | undefined;
  /** What was settled while requests waited, and in which time; what is older counts for less. */
  let settled = 0;
  let busyMs = 0;
  return {
    /**
     * undefined: never seen at work with requests waiting. Never zero: where nothing was worked off, it is less than one
     * in the time that was seen, and who has seen little cannot say more.
     */
    get perSecond(): number | undefined {
      return busyMs === 0 ? undefined : (Math.max(1, settled) / busyMs) * 1000;
    },
    observe(sample: Sample): void {
      const earlier = before;
      before = sample;
      // A counter that has gone down is a store that was emptied.
      if (!earlier || sample.at <= earlier.at || sample.settled < earlier.settled) return;
      const elapsedMs = sample.at - earlier.at;
      const newlySettled = sample.settled - earlier.settled;
      const othersWaited = earlier.waiting > 0 && sample.waiting > 0;
      // A rate that is not known stays so.
      const more = busyMs > 0 && newlySettled / elapsedMs > settled / busyMs;
      if (!othersWaited && !more) return;
      const kept = Math.exp(-elapsedMs / TIME_CONSTANT_MS);
      settled = settled * kept + newlySettled;
      busyMs = busyMs * kept + elapsedMs;
    },
  };
}
