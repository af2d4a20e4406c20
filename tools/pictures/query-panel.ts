import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import { bindVariables } from '../../dashboards/source/list-panels.ts';

/** A line of a panel: its name and its points, the oldest first. */
export interface Line {
  name: string;
  labels: Record<string, string>;
  /** Time in seconds since 1970, and the value. */
  points: [time: number, value: number][];
}

/** The time that a picture shows. */
export interface Span {
  /** In seconds since 1970. */
  from: number;
  to: number;
  /** Between two points, in s. */
  step: number;
}

/**
 * Asks Prometheus all queries of a panel.
 * @param rateInterval what a rate looks back, such as `1m`
 * @throws Error a query fails
 */
export async function queryPanel(
  panel: Panel,
  options: { prometheusUrl: string; span: Span; rateInterval: string },
): Promise<Line[]> {
  const { prometheusUrl, span, rateInterval } = options;
  const ofQueries = (panel.targets as Dataquery[]).map(async ({ expr, legendFormat = '' }) => {
    const body = new URLSearchParams({
      query: bindVariables(expr, rateInterval),
      start: String(span.from),
      end: String(span.to),
      step: String(span.step),
    });
    const response = await fetch(`${prometheusUrl}/api/v1/query_range`, { method: 'POST', body });
    const { data, error } = (await response.json()) as {
      data?: { result: { metric: Record<string, string>; values: [number, string][] }[] };
      error?: string;
    };
    if (!data) throw new Error(`${panel.title}: ${error}`);
    return data.result.map(({ metric, values }) => ({
      name: legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
      labels: metric,
      points: values.map(([time, value]): [number, number] => [time, Number(value)]),
    }));
  });
  return (await Promise.all(ofQueries)).flat();
}
