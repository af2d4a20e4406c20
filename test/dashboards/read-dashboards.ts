import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';

export const root = join(import.meta.dirname, '../..');

/** All dashboards as Grafana reads them, by the name of their file. */
export const dashboards: [file: string, dashboard: Dashboard][] = globSync('dashboards/*.json', { cwd: root })
  .sort()
  .map((file) => [basename(file), JSON.parse(readFileSync(join(root, file), 'utf8')) as Dashboard]);

/** The panels of a dashboard, without its rows. */
export const panelsOf = ({ panels = [] }: Dashboard): Panel[] =>
  panels.filter((panel): panel is Panel => panel.type !== 'row');

export const queriesOf = ({ targets = [] }: Panel) => targets as Dataquery[];
