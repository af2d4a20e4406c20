import { cutText } from '../../contracts/cut-text.ts';
import type { DropReport, LetterGroups, LetterPage, RedriveReport } from '../../contracts/dead-letters.ts';
import { printable } from './printable.ts';

const PROGRESS_EVERY_MS = 5_000;
const MAX_CELL_CHARS = 60;

export function groupsText(list: LetterGroups): string {
  if (list.matching === 0) return `${list.queue}: no letters${unreadText(list.unread)}\n`;
  const rows = list.groups.map(({ reason, count, oldest, newest, detail }) => [
    String(count),
    reason,
    timeText(oldest),
    timeText(newest),
    detail ?? '',
  ]);
  const title = `${list.queue}: ${letters(list.matching)}${unreadText(list.unread)}`;
  return `${title}\n${table(['COUNT', 'REASON', 'OLDEST', 'NEWEST', 'FOR EXAMPLE'], rows)}\n`;
}

export function pageText(page: LetterPage): string {
  const shown = page.letters.map((letter) => {
    const lines = [
      `--- ${letter.reason}${letter.detail ? `: ${letter.detail}` : ''}`,
      `dead since  ${timeText(letter.at)}`,
      `message id  ${letter.messageId ?? '-'}`,
      `redriven    ${letter.redriveCount} times`,
      `properties  ${JSON.stringify(letter.properties)}`,
      `headers     ${JSON.stringify(letter.headers)}`,
      `body        ${letter.bytes} bytes${letter.encoding === 'base64' ? ', binary, here in base64' : ''}${letter.truncated ? ', its beginning (--full shows all)' : ''}`,
    ];
    return `${[...lines.map((line) => printable(line)), printable(letter.body, true)].join('\n')}\n`;
  });
  const title = `${page.queue}: ${page.letters.length} of ${letters(page.matching)}${unreadText(page.unread)}`;
  return `${[title, ...shown].join('\n')}${shown.length === 0 ? '\n' : ''}`;
}

export function redriveText(report: RedriveReport): string {
  if (report.dryRun) return `${report.queue}: ${letters(report.matching)} to redrive; nothing was changed\n`;
  const parts = [`${letters(report.sent)} sent back, ${report.left} left${unreadText(report.unread)}`];
  if (report.refused > 0) parts.push(`${letters(report.refused)} cannot be sent as they are, and stay`);
  if (report.canary !== 'none') parts.push(`the canary ${report.canary}`);
  if (report.stopped !== null) parts.push(`stopped: ${printable(report.stopped)}`);
  return `${report.queue}: ${parts.join('\n  ')}\n`;
}

export function dropText(report: DropReport): string {
  if (report.dryRun) return `${report.queue}: ${letters(report.matching)} to drop; nothing was changed\n`;
  return `${report.queue}: ${letters(report.dropped)} dropped, ${report.left} left${unreadText(report.unread)}\n`;
}

/** A line that is overwritten on a terminal. Elsewhere, a new line every few seconds. */
export function progressLine(stream: NodeJS.WriteStream) {
  let saidAt = performance.now();
  let open = false;
  return {
    show: (sent: number, of: number) => {
      const done = sent === of;
      if (performance.now() - saidAt < (stream.isTTY ? 100 : PROGRESS_EVERY_MS) && !(done && open)) return;
      saidAt = performance.now();
      stream.write(`${stream.isTTY ? '\r' : ''}${sent} of ${of} sent${stream.isTTY ? '' : '\n'}`);
      open = stream.isTTY;
    },
    end: () => {
      if (open) stream.write('\n');
    },
  };
}

function table(head: string[], rows: string[][]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => short(printable(cell))));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd())
    .join('\n');
}

const short = (text: string) => (text.length > MAX_CELL_CHARS ? `${cutText(text, MAX_CELL_CHARS - 1)}…` : text);
const letters = (count: number) => (count === 1 ? '1 letter' : `${count} letters`);
const timeText = (at: string | null) => (at === null ? '-' : at.replace(/\.\d+Z$/, 'Z'));
const unreadText = (unread: number) => (unread > 0 ? ` (and ${unread} behind them that were not looked at)` : '');
