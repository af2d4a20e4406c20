import { expect, test } from '@jest/globals';
import { ERROR_BUDGET, IN_TIME } from '../../dashboards/source/objective.ts';
import { rules } from '../deploy/rule-files.ts';

test('the dashboards show the objective that the alerts watch', () => {
  const burning = rules.filter(({ alert }) => alert === 'HealifyErrorBudgetBurn');
  expect(burning).toHaveLength(3);
  for (const { expr } of burning) {
    for (const [, budget] of expr.matchAll(/ratio_rate\w+ > (?:[\d.]+ \* )?([\d.]+)/g))
      expect(Number(budget)).toBe(ERROR_BUDGET);
  }
  for (const { expr } of rules.filter(({ record }) => record?.startsWith('healify:answers_not_in_time')))
    expect(expr).toContain(IN_TIME);
});
