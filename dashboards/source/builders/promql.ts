// How the dashboards write their queries.

/** What the viewer has chosen in the lists Job and Instance. Both begin with All. */
const CHOSEN = 'job=~"$job",instance=~"$instance"';

/**
 * Selects the series of a metric that belong to the chosen jobs and instances. Recorded series have neither label, so they
 * are named as they are.
 * @param matchers more conditions, such as `state="failed"`
 */
export const series = (metric: string, matchers = '') => `${metric}{${CHOSEN}${matchers && `,${matchers}`}}`;

/** By how much a counter grows in a second. */
export const rateOf = (counter: string, matchers?: string) => `rate(${series(counter, matchers)}[$__rate_interval])`;

/** By how much counters grow in a second, added up for each value of the labels. */
export const rateBy = (labels: string, counter: string, matchers?: string) =>
  `sum by (${labels}) (${rateOf(counter, matchers)})`;

/** By how much counters have grown in a time, such as `1h`, added up for each value of the labels. */
export const increaseBy = (labels: string, counter: string, time: string, matchers?: string) =>
  `sum by (${labels}) (increase(${series(counter, matchers)}[${time}]))`;

/** A quantile of a histogram, for each value of the labels. */
export function quantileOf(options: { quantile: number; histogram: string; by?: string; matchers?: string }): string {
  const { quantile, histogram, by, matchers } = options;
  return `histogram_quantile(${quantile}, ${rateBy(by ? `le, ${by}` : 'le', `${histogram}_bucket`, matchers)})`;
}

/** The largest value for each value of the labels. All processes show the same queues, so this is the value. */
export const maxBy = (labels: string, metric: string, matchers?: string) =>
  `max by (${labels}) (${series(metric, matchers)})`;

/** A sum that is 0, and not absent, where there are no series. */
export const orZero = (query: string) => `${query} or vector(0)`;
