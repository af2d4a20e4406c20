import { readCosts } from '../../bench/scaling/costs.ts';
import { costTable, report, SHOWN } from '../../bench/scaling/report.ts';

/** The tables of docs/scaling.md, as `npm run scaling -- --show-costs` prints them. */
export function scalingTables(): string {
  const costs = readCosts();
  const { rates, ...answer } = SHOWN;
  return `${costTable(costs)}\n\n${report(
    rates.map((rate) => ({ rate, ...answer })),
    costs,
  )}`;
}
