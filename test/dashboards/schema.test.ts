import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { dashboards, panelsOf } from './read-dashboards.ts';
import { sdkSchema } from './sdk-schema.ts';

const KINDS = ['stat', 'timeseries', 'table', 'text'];
const ajv = new Ajv({ allErrors: true, strict: false });
ajv.addSchema({ $id: 'sdk', ...sdkSchema(['common', 'dashboard', 'prometheus', ...KINDS]) });

/** What is wrong with a value, according to a type of the SDK. */
function faultsIn(type: string, value: unknown): string[] {
  const validate = ajv.getSchema(`sdk#/definitions/${type}`);
  if (!validate) throw new Error(`the SDK has no type ${type}`);
  validate(value);
  return (validate.errors ?? []).map(
    (error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
  );
}

describe.each(dashboards)('%s', (_, dashboard) => {
  test("has the form that Grafana's SDK describes", () => {
    expect(faultsIn('dashboard.Dashboard', dashboard)).toEqual([]);
  });

  test.each(panelsOf(dashboard).map((panel) => [panel.title ?? '', panel] as const))(
    'panel %s has options and queries that Grafana knows',
    (_title, { type, options, fieldConfig, targets = [] }) => {
      expect(KINDS).toContain(type);
      expect(faultsIn(`${type}.Options`, options)).toEqual([]);
      for (const target of targets) expect(faultsIn('prometheus.Dataquery', target)).toEqual([]);
      if (type === 'timeseries') expect(faultsIn('timeseries.FieldConfig', fieldConfig?.defaults.custom)).toEqual([]);
    },
  );
});

test('a field that Grafana does not know is found, and one of the wrong type', () => {
  const [, dashboard] = dashboards[0]!;
  const changed = { ...dashboard, refersh: '10s', panels: [{ type: 'stat', title: 1 }] };
  expect(faultsIn('dashboard.Dashboard', changed).join()).toMatch(/refersh.*\/panels\/0\/title must be string/);
  expect(faultsIn('stat.Options', { ...panelsOf(dashboard)[0]?.options, graphMode: 'bars' })).not.toEqual([]);
});
