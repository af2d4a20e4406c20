import { type Metric, type OpenMetricsContentType, Registry } from 'prom-client';

/**
 * Writes the metrics of a registry in the OpenMetrics format, which has exemplars.
 *
 * prom-client can do that as well, but there the format belongs to the registry, and writing it once takes `_total` off the
 * names of the counters for good. So another registry has the same metrics, with other names for the counters.
 */
export function createOpenMetricsWriter(registry: Registry): { contentType: string; write: () => Promise<string> } {
  return {
    contentType: Registry.OPENMETRICS_CONTENT_TYPE,
    write: () => {
      const openMetrics = new Registry<OpenMetricsContentType>();
      openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
      openMetrics.setDefaultLabels(defaultLabelsOf(registry));
      for (const metric of registry.getMetricsAsArray() as unknown as NamedMetric[]) {
        openMetrics.registerMetric((metric.type === 'counter' ? withoutTotal(metric) : metric) as unknown as Metric);
      }
      return openMetrics.metrics();
    },
  };
}

/** What a registry needs of a metric. The types of prom-client lack it. */
interface NamedMetric {
  name: string;
  type: string;
  get(): Promise<{ name: string }>;
}

/** The format adds `_total` to the counter's lines, and its family is named without. */
function withoutTotal(counter: NamedMetric): NamedMetric {
  const name = counter.name.replace(/_total$/, '');
  return { name, type: counter.type, get: async () => ({ ...(await counter.get()), name }) };
}

const defaultLabelsOf = (registry: Registry) => (registry as unknown as { _defaultLabels: object })._defaultLabels;
