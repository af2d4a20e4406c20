import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { expect, test } from '@jest/globals';
import { dashboards } from '../../../dashboards/source/dashboards.ts';
import { formatValue } from '../../../tools/pictures/draw/format.ts';
import { drawPage } from '../../../tools/pictures/draw/page.ts';
import type { Line } from '../../../tools/pictures/query-panel.ts';

const span = { from: 1_000, to: 1_010, step: 1 };
const overview = dashboards()['overview.json']!;
const line = (name: string, values: (number | undefined)[], labels = {}): Line => ({
  name,
  labels,
  points: values.flatMap((value, index): Line['points'] => (value === undefined ? [] : [[span.from + index, value]])),
});

/** The overview, with these lines in one of its panels and none in the others. */
const draw = (title: string, lines: Line[], rows = 99) =>
  drawPage(overview, { linesOf: (panel: Panel) => (panel.title === title ? lines : []), span, rows });

test('a picture says what a number means, in its unit', () => {
  expect(draw('Oldest open question', [line('oldest', [600])])).toContain('10 min');
  expect(draw('Model', [line('openai gpt', [2])])).toMatch(/#c4162a"><small>openai gpt<\/small>SHUT/);
  expect(draw('Answered in time, last hour', [line('in time', [Number.NaN])])).toContain('no questions');
  expect(['s', 'bytes', 'percentunit', 'reqps'].map((unit) => formatValue(0.25, unit))).toEqual([
    '250 ms',
    '0.25 B',
    '25 %',
    '0.25/s',
  ]);
});

test('a line has a gap where there was nothing, and stands on the line below it in a stack', () => {
  const html = draw('How questions end', [
    line('completed', [1, 1, undefined, 1, 1]),
    line('failed', [3, 3, undefined, 3, 3]),
  ]);
  // Two lines of two parts each, the upper one first.
  expect(html.match(/<polyline/g)).toHaveLength(4);
  const heights = [...html.matchAll(/<polyline points="[\d.]+,([\d.]+)/g)].map(([, y]) => Number(y));
  expect(heights[0]).toBeLessThan(heights[2]!);
});

test('alerts that ended are not in the table of those that fire', () => {
  const alert = (alertname: string, values: (number | undefined)[]) => line('', values, { alertname });
  const html = draw('Alerts that fire now', [
    alert('HealifyOver', [1]),
    alert(
      'HealifyFires',
      Array.from({ length: 11 }, () => 1),
    ),
  ]);
  expect(html).toContain('HealifyFires');
  expect(html).not.toContain('HealifyOver');
});

test('a picture can end after some rows, and shows names as text', () => {
  const html = draw('Connections', [line('<b>redis</b>', [1])], 1);
  expect(html).toContain('Is it healthy?');
  expect(html).not.toContain('What is slow?');
  expect(html).not.toContain('<b>redis');
});
