import type {
  DeadLetterAdmin,
  DropReport,
  Letter,
  LetterGroups,
  LetterTexts,
  RedriveReport,
} from '../../contracts/dead-letters.ts';
import { printable } from './printable.ts';
import { textTable, timeText } from './text-table.ts';

export function groupsText(list: LetterGroups): string {
  if (list.matching === 0) return `${list.queue}: no letters${unreadText(list.unread)}\n`;
  const rows = list.groups.map(({ reason, count, oldest, newest, detail, sender }) => [
    String(count),
    reason,
    timeText(oldest),
    timeText(newest),
    senderText(sender),
    detail ?? '',
  ]);
  const title = `${list.queue}: ${letters(list.matching)}${unreadText(list.unread)}`;
  return `${title}\n${textTable(['COUNT', 'REASON', 'OLDEST', 'NEWEST', 'SENT BY', 'FOR EXAMPLE'], rows)}\n`;
}

export function pageText(page: Awaited<ReturnType<DeadLetterAdmin['showBodies']>>): string {
  const shown = page.letters.map((letter) => {
    const lines = [
      `--- ${letter.reason}${letter.detail ? `: ${letter.detail}` : ''}`,
      `dead since  ${timeText(letter.at)}`,
      `message id  ${letter.messageId ?? '-'}`,
      `sent by     ${senderText(letter.sender)}`,
      `redriven    ${letter.redriveCount} times`,
      `properties  ${JSON.stringify(letter.properties)}`,
      `headers     ${JSON.stringify(letter.headers)}`,
      `body        ${letter.bytes} bytes${letter.encoding === 'base64' ? ', binary, here in base64' : ''}${letter.truncated ? ', its beginning (--full shows all)' : ''}`,
      ...textsLine[letter.texts],
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

const textsLine: Record<LetterTexts, string[]> = {
  as_sent: [],
  opened: ['texts       encrypted in the message, here as they were written'],
  cannot_be_opened: ['texts       encrypted with a key of their user that was destroyed, or that is not here'],
};

/** The name that the sender gives itself, and its RabbitMQ user. */
const senderText = ({ appId, userId }: Letter['sender']) =>
  [appId, userId && `user ${userId}`].filter(Boolean).join(', ') || '-';
const letters = (count: number) => (count === 1 ? '1 letter' : `${count} letters`);
const unreadText = (unread: number) => (unread > 0 ? ` (and ${unread} behind them that were not looked at)` : '');
