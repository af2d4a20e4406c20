import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { runbookOf } from './links.ts';
import { DATASOURCE, type Shown, show } from './panels.ts';

/** Labels of alerts that tell what an alert is about. */
const SUBJECTS = 'queue, server, provider, model, cause, state, speed';

/** Where the alert's name leads. A table has the value of the clicked cell in `__value`. */
const RUNBOOK = {
  id: 'links',
  value: [{ title: 'Runbook', url: runbookOf(`\${__value.text}`), targetBlank: true }],
};

/** The alerts that fire now, each with a link to its runbook. */
export const firingAlerts = (options: Shown): TableBuilder =>
  show(new TableBuilder(), options)
    .withTarget(
      new DataqueryBuilder()
        .refId('A')
        .datasource(DATASOURCE)
        .expr(`max by (alertname, severity, ${SUBJECTS}) (ALERTS{alertstate="firing"})`)
        .format(PromQueryFormat.Table)
        .instant(),
    )
    .overrideByName('alertname', [RUNBOOK])
    .withTransformation({
      id: 'organize',
      options: { excludeByName: { Time: true, Value: true }, indexByName: { alertname: 0, severity: 1 } },
    });
