import { type KindOfData, keptData, kindsOfData } from '../../contracts/kept-data.ts';
import { textTable } from './text-table.ts';

/** What is kept of somebody, by kind. */
export function keptText(of: string, counts: Record<KindOfData, number>): string {
  const rows = kindsOfData
    .filter((kind) => counts[kind] > 0)
    .map((kind) => [String(counts[kind]), kind, keptData[kind].what]);
  if (rows.length === 0) return `Nothing is kept of ${of}.\n`;
  return `${textTable(['COUNT', 'KIND', 'WHAT IT IS'], rows)}\n`;
}
