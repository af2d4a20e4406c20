import { cutText } from '../../contracts/cut-text.ts';
import { printable } from './printable.ts';

const MAX_CELL_CHARS = 60;

/** A table for a terminal. */
export function textTable(head: string[], rows: string[][]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => short(printable(cell))));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd())
    .join('\n');
}

/** A time for a table: ISO 8601 without fractions. */
export const timeText = (at: string | null) => (at === null ? '-' : at.replace(/\.\d+Z$/, 'Z'));

const short = (text: string) => (text.length > MAX_CELL_CHARS ? `${cutText(text, MAX_CELL_CHARS - 1)}…` : text);
