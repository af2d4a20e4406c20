export interface Spread {
  median: number;
  min: number;
  max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** Returns the ratios of two series, round by round. If the machine gets slower, both values of a round change. */
export const ratios = (ours: readonly number[], theirs: readonly number[]) =>
  ours.slice(0, theirs.length).map((value, round) => value / theirs[round]!);
