import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { selectorsIn } from '../deploy/promql-selectors.ts';
import { dashboards, panelsOf, queriesOf, root } from './read-dashboards.ts';

// The rules of Grafana's dashboard-linter, because the tool itself is not everywhere. `npm run check` runs the tool where it
// is. Left out here: that queries are valid PromQL, which queries.test.ts shows, and the rules for Loki, which we do not use.

/** Units of Grafana that the linter knows, as far as we use them. */
const UNITS = ['short', 's', 'bytes', 'Bps', 'percentunit', 'reqps', 'ops', 'currencyUSD'];
const DATASOURCE = '$datasource';

const { exclusions } = JSON.parse(readFileSync(join(root, 'dashboards/.lint'), 'utf8')) as {
  exclusions: Record<string, { reason: string; entries: { dashboard: string; panel: string }[] }>;
};

describe.each(dashboards)('%s', (_, dashboard) => {
  const variables = dashboard.templating.list ?? [];
  const panels = panelsOf(dashboard);
  const withQueries = panels.filter(({ type }) => type !== 'text');
  const queries = withQueries.flatMap((panel) => queriesOf(panel).map(({ expr }) => ({ panel, expr })));

  test('nobody can edit it in Grafana, where the next start would undo the change', () => {
    expect(dashboard.editable).toBe(false);
  });

  test('a viewer chooses the data source, the jobs and the instances', () => {
    expect(variables.filter(({ type }) => type === 'datasource')).toMatchObject([
      { name: 'datasource', label: 'Data source', query: 'prometheus' },
    ]);
    for (const [name, label] of [
      ['job', 'Job'],
      ['instance', 'Instance'],
    ]) {
      expect(variables.find((variable) => variable.name === name)).toMatchObject({
        type: 'query',
        label,
        datasource: { uid: DATASOURCE },
        multi: true,
        allValue: '.+',
        // When the time range changes.
        refresh: 2,
        query: expect.stringMatching(/^label_values\(.+\)$/),
      });
    }
  });

  test('each panel says what it shows, in a unit, and asks the chosen data source', () => {
    for (const { title, description, datasource, fieldConfig, targets } of withQueries) {
      expect({ title, description }).toEqual({
        title: expect.stringMatching(/./),
        description: expect.stringMatching(/[.]$/),
      });
      expect([title, datasource?.uid]).toEqual([title, DATASOURCE]);
      const { unit, mappings = [] } = fieldConfig?.defaults ?? {};
      expect([title, mappings.length > 0 || UNITS.includes(unit ?? '')]).toEqual([title, true]);
      expect([title, targets?.length]).not.toEqual([title, 0]);
    }
  });

  test('each query keeps to the chosen jobs and instances, except those of recorded series', () => {
    for (const { panel, expr } of queries) {
      const isExcepted = (rule: string) =>
        exclusions[rule]?.entries.some((entry) => entry.dashboard === dashboard.title && entry.panel === panel.title);
      for (const { metric, matchers } of selectorsIn(expr)) {
        if (/^healify:|^ALERTS$/.test(metric)) {
          expect([panel.title, isExcepted('target-job-rule'), isExcepted('target-instance-rule')]).toEqual([
            panel.title,
            true,
            true,
          ]);
        } else expect([expr, matchers]).toEqual([expr, expect.stringContaining('job=~"$job",instance=~"$instance"')]);
      }
    }
  });

  test('a rate is that of the interval that fits the picture', () => {
    for (const { expr } of queries) {
      for (const [, range] of expr.matchAll(/\bi?rate\([^[]*\[([^\]]*)\]/g)) expect(range).toBe('$__rate_interval');
    }
  });

  test('a counter is shown by how much it grows', () => {
    for (const { expr } of queries) {
      const counted = expr.replace(/\b(rate|increase)\((?:"[^"]*"|[^[])*\[[^\]]*\]\)/g, '');
      for (const { metric } of selectorsIn(counted)) expect(metric).not.toMatch(/_total$/);
    }
  });
});

test('each link to a runbook leads to a file', () => {
  for (const [, dashboard] of dashboards) {
    for (const { links = [] } of panelsOf(dashboard)) {
      for (const { url = '' } of links.filter((link) => link.title.startsWith('Runbook'))) {
        expect(readFileSync(join(root, url.replace('$api/', '')), 'utf8')).toContain('## What to do');
      }
    }
  }
});
