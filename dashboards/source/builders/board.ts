import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  VariableHide,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { API, topLinks } from './links.ts';
import { DATASOURCE } from './panels.ts';

/** A dashboard as it is written in this folder. */
export interface Board {
  /** The name of its file, and the end of its address in Grafana. */
  name: string;
  title: string;
  about: string;
  /** How far it looks back, such as `1h`. */
  lookBack: string;
  /** What a viewer types in at its top: the name of a variable, and its label. */
  typed?: Record<string, string>;
  rows: { title: string; panels: Builder<Panel>[] }[];
}

/** Makes Grafana's dashboard of ours. Nobody edits it in Grafana, because the next start would undo that. */
export function buildBoard({ name, title, about, lookBack, typed = {}, rows }: Board): Dashboard {
  const board = new DashboardBuilder(title)
    .uid(`healify-${name}`)
    .description(about)
    .tags(['healify'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: `now-${lookBack}`, to: 'now' })
    .refresh('10s')
    .links(topLinks)
    .variables([
      ...variables(),
      ...Object.entries(typed).map(([variable, label]) =>
        new TextBoxVariableBuilder(variable).label(label).defaultValue(''),
      ),
    ]);
  for (const row of rows) {
    board.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) board.withPanel(panel);
  }
  const dashboard = board.build();
  return { ...dashboard, panels: dashboard.panels?.map((panel, index) => ({ ...panel, id: index + 1 })) ?? [] };
}

const variables = () => [
  new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
  choice('job', 'Job', 'label_values(up, job)'),
  choice('instance', 'Instance', 'label_values(up{job=~"$job"}, instance)'),
  new TextBoxVariableBuilder('api')
    .hide(VariableHide.HideVariable)
    .defaultValue(API)
    .current({ text: API, value: API }),
];

const choice = (name: string, label: string, query: string) =>
  new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ text: 'All', value: '$__all' });
