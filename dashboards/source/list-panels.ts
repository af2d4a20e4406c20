import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import { dashboards } from './dashboards.ts';

/** What somebody needs who draws a panel without Grafana. */
export interface PanelQueries {
  /** Such as `overview`. */
  dashboard: string;
  /** The dashboard's title. */
  board: string;
  title: string;
  /** As Grafana calls it, such as `reqps`. */
  unit: string | undefined;
  /** `stat`, `timeseries` or `table`. */
  kind: string;
  /** PromQL, with Grafana's variables; `bindVariables` puts values in their place. */
  queries: { expr: string; legend: string }[];
}

/** All panels of all dashboards that have queries, in their order. */
export function listPanels(): PanelQueries[] {
  return Object.entries(dashboards()).flatMap(([file, { title: board = '', panels = [] }]) =>
    panels
      .filter((panel): panel is Panel => 'targets' in panel)
      .map(({ title = '', type, fieldConfig, targets = [] }) => ({
        dashboard: file.replace('.json', ''),
        board,
        title,
        unit: fieldConfig?.defaults.unit,
        kind: type,
        queries: (targets as Dataquery[]).map(({ expr, legendFormat = '' }) => ({ expr, legend: legendFormat })),
      })),
  );
}

/** Puts what Grafana would put there in the place of its variables: all jobs and instances, and a time for rates. */
export const bindVariables = (expr: string, rateInterval: string) =>
  expr.replaceAll('$__rate_interval', rateInterval).replaceAll(/\$(job|instance)\b/g, '.+');
