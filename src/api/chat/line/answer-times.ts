/** How many times are kept. Only the newest are. */
const KEPT = 200;
/**
 * Sorting for every question would cost too much. So the times are sorted this often; a few times are sorted whenever
 * asked.
 */
const SORT_EVERY_MS = 1_000;
const FEW = 20;

/** How long the work on a request takes, from its start to its answer, according to the newest answers. */
export function createAnswerTimes() {
  const newest: number[] = [];
  let added = 0;
  let sorted: number[] = [];
  let sortedCount = 0;
  let sortedAt = Number.NEGATIVE_INFINITY;

  function inOrder(): number[] {
    const now = performance.now();
    if (added === sortedCount || (sorted.length >= FEW && now - sortedAt < SORT_EVERY_MS)) return sorted;
    sorted = newest.toSorted((a, b) => a - b);
    sortedCount = added;
    sortedAt = now;
    return sorted;
  }

  return {
    /** @param ms from the start of the work to its end */
    add(ms: number): void {
      newest[added % KEPT] = ms;
      added += 1;
    },
    /**
     * Returns how much longer the work will take if it has taken this long already, in ms: the median of all longer
     * times. null: no time was longer, so it is not known.
     */
    remainingMs(elapsedMs: number): number | null {
      const times = inOrder();
      let first = 0;
      for (let end = times.length; first < end; ) {
        const middle = (first + end) >> 1;
        if (times[middle]! <= elapsedMs) first = middle + 1;
        else end = middle;
      }
      if (first === times.length) return null;
      return times[(first + times.length) >> 1]! - elapsedMs;
    },
  };
}
