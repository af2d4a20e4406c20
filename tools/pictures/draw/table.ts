import type { Line } from '../query-panel.ts';
import { escapeHtml } from './format.ts';

/** Columns that come first. */
const FIRST = ['alertname', 'severity'];

/** Draws the labels of the lines that have a latest value as the rows of a table. */
export function drawTable(lines: Line[], at: number, noValue = 'no data'): string {
  const now = lines.filter(({ points }) => points.at(-1)?.[0] === at).map(({ labels }) => labels);
  if (now.length === 0) return `<div class="none">${escapeHtml(noValue)}</div>`;
  const columns = [...new Set([...FIRST, ...now.flatMap(Object.keys)])];
  const row = (cells: string[], tag: 'th' | 'td') =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${row(columns, 'th')}${now
    .map((labels) =>
      row(
        columns.map((column) => labels[column] ?? ''),
        'td',
      ),
    )
    .join('')}</table>`;
}
