/** What is seen of the queues at one moment. */
export interface Sample {
  /** ms */
  at: number;
  /** Requests that nobody works on yet. */
  waiting: number;
  /** All answers that were ever written down. */
  settled: number;
}

/** The average forgets half of what it knew in about ten seconds. */
const TIME_CONSTANT_MS = 15_000;

/**
 * How many requests are worked off in a second. Only times at whose both ends requests waited count: else the figure
 * would be how many come, and say nothing of how many could.
 */
export function createDrainRate() {
  let before: Sample | undefined;
  let perSecond: number | undefined;
  return {
    /** undefined: never seen at work with requests waiting. */
    get perSecond() {
      return perSecond;
    },
    observe(sample: Sample): void {
      const earlier = before;
      before = sample;
      // A counter that has gone down is a store that was emptied.
      if (!earlier || sample.at <= earlier.at || sample.settled < earlier.settled) return;
      if (earlier.waiting === 0 || sample.waiting === 0) return;
      const elapsedMs = sample.at - earlier.at;
      const rate = ((sample.settled - earlier.settled) / elapsedMs) * 1000;
      const weight = perSecond === undefined ? 1 : 1 - Math.exp(-elapsedMs / TIME_CONSTANT_MS);
      perSecond = (perSecond ?? 0) * (1 - weight) + rate * weight;
    },
  };
}

/**
 * When an answer is to be expected, in ms; null where nothing is known.
 * @param ahead requests that wait before it
 * @param workMs how long the work on one takes, as a rule
 */
export function expectedMs(ahead: number, perSecond: number | undefined, workMs: number | undefined): number | null {
  if (ahead === 0) return workMs === undefined ? null : Math.round(workMs);
  if (perSecond === undefined) return null;
  return perSecond === 0 ? Number.MAX_SAFE_INTEGER : Math.round((ahead / perSecond) * 1000 + (workMs ?? 0));
}
