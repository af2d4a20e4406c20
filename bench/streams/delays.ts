/** How late tokens were seen, in ms. */
export interface Delays {
  median: number;
  p99: number;
  max: number;
  tokens: number;
}

/** Texts of events in JSON whose tokens are times, as the simulator writes them. */
const TIMES = /"(?:text|rest)":"((?:\d+ )+)"/g;

/** Returns when the tokens in some events were written, in µs of the machine's monotonic clock. */
export function timesIn(events: string): number[] {
  const times: number[] = [];
  for (const [, text] of events.matchAll(TIMES))
    for (const time of text!.trimEnd().split(' ')) times.push(Number(time));
  return times;
}

/** µs of the machine's monotonic clock. All of its processes share it. */
export const nowUs = () => Number(process.hrtime.bigint() / 1000n);

export function delaysOf(ms: readonly number[]): Delays {
  const sorted = Float64Array.from(ms).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99), max: at(1), tokens: sorted.length };
}
