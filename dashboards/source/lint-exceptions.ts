import { listPanels } from './list-panels.ts';

/** Series that the rules of deploy/prometheus record, and alerts. They have neither job nor instance. */
const RECORDED = /\bhealify:|\bALERTS\b/;

/** The file `.lint`, in which Grafana's dashboard-linter looks for what it must not complain about. JSON is YAML, too. */
export function lintExceptions() {
  const recorded = listPanels().filter(({ queries }) => queries.some(({ expr }) => RECORDED.test(expr)));
  const rule = {
    reason: 'Series that rules record, and alerts, are sums over all processes and have neither job nor instance.',
    entries: recorded.map(({ board, title }) => ({ dashboard: board, panel: title })),
  };
  return { exclusions: { 'target-job-rule': rule, 'target-instance-rule': rule } };
}
