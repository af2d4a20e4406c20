import {
  Counter,
  type CounterConfiguration,
  Histogram,
  type HistogramConfiguration,
  type Registry as PromRegistry,
} from 'prom-client';

// Counters and histograms for the hot path. prom-client puts a text together from all labels at each call, and compares their
// names. Here each combination of label values is looked up by the values alone, and its numbers are changed in place. The
// registry reads them as always.

type Labels<Name extends string> = Partial<Record<Name, string | number>>;

export interface LabelledCounter<Name extends string> {
  inc(labels: Labels<Name>, by?: number): void;
}

export interface LabelledHistogram<Name extends string> {
  /**
   * @param traceId becomes an exemplar that leads from the metric to the trace of the request. undefined or '': there is none
   */
  observe(labels: Labels<Name>, value: number, traceId?: string): void;
}

/** What prom-client keeps for a combination of labels. Its types do not show it. */
interface CounterSeries {
  value: number;
}
interface HistogramSeries {
  sum: number;
  count: number;
  /** By the upper bound of the bucket. Values above all bounds are only in `count`. */
  bucketValues: Record<string, number>;
  /** The same; of those above all bounds there is one, too. */
  bucketExemplars: Record<string, { labelSet: object; value: number; timestamp: number }>;
}

/** The bucket of an exemplar that is above all bounds. */
const ABOVE_ALL = '-1';

export function createCounter<Name extends string>(
  configuration: CounterConfiguration<Name> & { labelNames: readonly Name[] },
): LabelledCounter<Name> {
  const counter = new Counter(configuration);
  const seriesOf = remember(configuration.labelNames, (labels: Labels<Name>) =>
    // A zero makes the series.
    findOrMake<Name, CounterSeries>(counter, configuration.labelNames, labels, () => counter.inc(labels, 0)),
  );
  return {
    inc: (labels, by = 1) => {
      seriesOf(labels).value += by;
    },
  };
}

/** The buckets of the histogram have exemplars. */
export function createHistogram<Name extends string>(
  configuration: HistogramConfiguration<Name> & {
    labelNames: readonly Name[];
    buckets: number[];
    registers: PromRegistry[];
  },
): LabelledHistogram<Name> {
  const { registers, buckets, labelNames, ...rest } = configuration;
  // prom-client lets only registries of the OpenMetrics format have exemplars, and looks at the format only now.
  const histogram = new Histogram({ ...rest, buckets, labelNames, registers: [], enableExemplars: true });
  for (const registry of registers) registry.registerMetric(histogram);
  const seriesOf = remember(labelNames, (labels: Labels<Name>) =>
    findOrMake<Name, HistogramSeries>(histogram, labelNames, labels, () => histogram.zero(labels)),
  );
  // A number that is no integer would be turned into a text at each use as a key.
  const keys = [...buckets.map(String), ABOVE_ALL];
  return {
    observe: (labels, value, traceId) => {
      const series = seriesOf(labels);
      let bucket = 0;
      while (bucket < buckets.length && value > buckets[bucket]!) bucket += 1;
      const key = keys[bucket]!;
      series.sum += value;
      series.count += 1;
      if (bucket < buckets.length) series.bucketValues[key]! += 1;
      if (traceId)
        series.bucketExemplars[key] = { labelSet: { trace_id: traceId }, value, timestamp: Date.now() / 1000 };
    },
  };
}

/**
 * Returns the series of these labels. A number and its text are the same label, so the series may be there already.
 * @param make makes the series. If it were there, its numbers could be lost
 */
function findOrMake<Name extends string, Series>(
  metric: object,
  labelNames: readonly Name[],
  labels: Labels<Name>,
  make: () => void,
): Series {
  const find = () =>
    Object.values((metric as { hashMap: Record<string, Series & { labels: Labels<Name> }> }).hashMap).find((series) =>
      labelNames.every((name) => String(series.labels[name]) === String(labels[name])),
    );
  const found = find();
  if (found) return found;
  make();
  return find()!;
}

/** A tree with a level for each label. Its leaves are series. */
type Branch<Series> = Map<string | number | undefined, Branch<Series> | Series>;

/**
 * Makes a series at the first call for a combination of labels, and then finds it by their values.
 * @param labels a copy is given to `make`, because prom-client keeps it
 */
function remember<Name extends string, Series extends object>(
  labelNames: readonly Name[],
  make: (labels: Labels<Name>) => Series,
): (labels: Labels<Name>) => Series {
  const root: Branch<Series> = new Map();
  const last = labelNames.length - 1;
  return (labels) => {
    let branch = root;
    for (let level = 0; level < last; level += 1) {
      const value = labels[labelNames[level]!];
      let next = branch.get(value) as Branch<Series> | undefined;
      if (!next) {
        next = new Map();
        branch.set(value, next);
      }
      branch = next;
    }
    const value = labels[labelNames[last]!];
    let series = branch.get(value) as Series | undefined;
    if (!series) {
      series = make({ ...labels });
      branch.set(value, series);
    }
    return series;
  };
}
