import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Line, Span } from '../query-panel.ts';
import { escapeHtml, formatValue } from './format.ts';

const COLORS = ['#73bf69', '#f2cc0c', '#5794f2', '#ff780a', '#f2495c', '#b877d9', '#37872d', '#8ab8ff', '#ffb357'];
/** Of a panel. */
const BACKGROUND = '#181b1f';
const LEFT = 64;
const BOTTOM = 18;
const TOP = 6;
const ROW_HEIGHT = 16;
const MOST_ROWS = 4;
const TICKS = 4;

/** Draws the lines of a panel as SVG, with a legend of their latest and largest values below. */
export function drawLines(panel: Panel, lines: Line[], size: { width: number; height: number; span: Span }): string {
  const unit = panel.fieldConfig?.defaults.unit;
  const shown = lines.filter(({ points }) => points.some(([, value]) => Number.isFinite(value)));
  if (shown.length === 0) return '<div class="none">no data</div>';
  const isStacked = panel.fieldConfig?.defaults.custom?.stacking?.mode === 'normal';
  const heights = isStacked ? stack(shown) : shown;
  const colors = shown.map(({ name }, index) => fixedColor(panel, name) ?? COLORS[index % COLORS.length]!);
  const rows = Math.min(shown.length, MOST_ROWS);
  const height = size.height - rows * ROW_HEIGHT;
  const top = niceCeiling(Math.max(...heights.flatMap(({ points }) => points.map(([, value]) => finite(value)))));
  const x = (time: number) =>
    LEFT + ((time - size.span.from) / (size.span.to - size.span.from)) * (size.width - LEFT - 4);
  const y = (value: number) => TOP + (1 - value / top) * (height - BOTTOM - TOP);

  const paths = heights.map(({ points }, index) => {
    const color = colors[index]!;
    return runsOf(points, size.span.step).map((run) => {
      const corners = run.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`);
      const floor = `${x(run.at(-1)![0]).toFixed(1)},${y(0)} ${x(run[0]![0]).toFixed(1)},${y(0)}`;
      const area = (fill: string, opacity: number) =>
        `<polygon points="${corners.join(' ')} ${floor}" fill="${fill}" opacity="${opacity}"/>`;
      // In a stack, a lower layer covers what is painted already.
      return `${isStacked ? area(BACKGROUND, 1) + area(color, 0.4) : area(color, 0.1)}
        <polyline points="${corners.join(' ')}" fill="none" stroke="${color}" stroke-width="1.4"/>`;
    });
  });
  const grid = Array.from({ length: TICKS + 1 }, (_, tick) => {
    const value = (top * tick) / TICKS;
    return `<line x1="${LEFT}" x2="${size.width}" y1="${y(value)}" y2="${y(value)}" class="grid"/>
      <text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${formatValue(value, unit)}</text>`;
  });
  const times = [0.1, 0.5, 0.9].map((share) => {
    const time = size.span.from + share * (size.span.to - size.span.from);
    return `<text x="${x(time)}" y="${height - 4}" text-anchor="middle">${new Date(time * 1000).toISOString().slice(11, 16)}</text>`;
  });
  // A stack is painted from its top, so that each layer is seen.
  const painted = isStacked ? paths.reverse() : paths;
  return `<svg width="${size.width}" height="${height}">${[...grid, ...times, ...painted.flat()].join('')}</svg>
    ${legend(shown, colors, unit)}`;
}

const NAMED: Record<string, string> = { green: '#73bf69', red: '#f2495c', blue: '#5794f2', text: '#9fa3a9' };

/** The color that the panel gives to a line of this name. */
function fixedColor(panel: Panel, name: string): string | undefined {
  const found = panel.fieldConfig?.overrides.find(({ matcher }) => matcher.options === name);
  return NAMED[found?.properties.find(({ id }) => id === 'color')?.value.fixedColor];
}

/** Each line upon those before it. */
function stack(lines: Line[]): Line[] {
  const sums = new Map<number, number>();
  return lines.map((line) => ({
    ...line,
    points: line.points.map(([time, value]): [number, number] => {
      const sum = (sums.get(time) ?? 0) + finite(value);
      sums.set(time, sum);
      return [time, sum];
    }),
  }));
}

const finite = (value: number) => (Number.isFinite(value) ? value : 0);

/** The parts of a line between its gaps. */
function runsOf(points: Line['points'], step: number): Line['points'][] {
  const runs: Line['points'][] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (const point of points.filter(([, value]) => Number.isFinite(value))) {
    if (point[0] > before + step) runs.push([]);
    runs.at(-1)!.push(point);
    before = point[0];
  }
  return runs;
}

/** The smallest number of 1, 2, 4, 5 or 8, times a power of ten, that is not below. */
function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 4, 5, 8, 10].find((step) => step * power >= value * 1.02) ?? 10);
}

function legend(lines: Line[], colors: string[], unit: string | undefined): string {
  const rows = lines.slice(0, MOST_ROWS).map(({ name, points }, index) => {
    const values = points.map(([, value]) => value).filter(Number.isFinite);
    const more = index === MOST_ROWS - 1 && lines.length > MOST_ROWS ? ` and ${lines.length - MOST_ROWS} more` : '';
    return `<div class="key"><i style="background:${colors[index]}"></i><b>${escapeHtml(name)}${more}</b>
      <span>${formatValue(values.at(-1)!, unit)}</span><span>max ${formatValue(Math.max(...values), unit)}</span></div>`;
  });
  return `<div class="legend">${rows.join('')}</div>`;
}
