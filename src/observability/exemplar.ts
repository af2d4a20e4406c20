import { Histogram, type HistogramConfiguration, type Registry } from 'prom-client';

/** A histogram whose buckets have exemplars. */
export function createTracedHistogram<Label extends string>(
  configuration: HistogramConfiguration<Label> & { registers: Registry[] },
): Histogram<Label> {
  const { registers, ...rest } = configuration;
  // prom-client lets only registries of the OpenMetrics format have exemplars, and looks at the format only now.
  const histogram = new Histogram({ ...rest, registers: [], enableExemplars: true });
  for (const registry of registers) registry.registerMetric(histogram);
  return histogram;
}

/**
 * Observes a value, with an exemplar that leads from the metric to the trace of the request.
 * @param traceId '' if there is none; then there is no exemplar either
 */
export function observeWithTrace<Label extends string>(
  histogram: Histogram<Label>,
  labels: Partial<Record<Label, string | number>>,
  seconds: number,
  traceId: string,
): void {
  // prom-client's types take the exemplar's labels for the metric's.
  const exemplarLabels = (traceId ? { trace_id: traceId } : {}) as object;
  histogram.observe({ labels, value: seconds, exemplarLabels });
}
