import type { Logger } from 'pino';
import { cutText } from '../../contracts/cut-text.ts';
import type { DeadLetterReason } from '../../contracts/error-codes.ts';
import type { Delivery } from './settle-batch.ts';

/** For so long, further messages with the same reason are counted, and not logged one by one. */
const COUNT_FOR_MS = 10_000;
const MAX_CHARS = 128;

/**
 * Logs messages that became dead letters, without flooding the log. For each reason it is in one of two states:
 * - *quiet*: the next message is logged at once.
 * - *counting*: for ten seconds, messages are only counted. Then one line has their number and the last of them as an
 *   example, and the counting goes on. If there were none, it is quiet again.
 */
export function createDeadLetterLog(
  logger: Logger,
  queue: string,
  { countForMs = COUNT_FOR_MS }: { countForMs?: number } = {},
): (delivery: Delivery, reason: DeadLetterReason, detail: string) => void {
  const counting = new Map<DeadLetterReason, { count: number; example: object }>();

  function tell(reason: DeadLetterReason): void {
    const { count, example } = counting.get(reason)!;
    counting.delete(reason);
    if (count === 0) return;
    logger.warn({ queue, reason, count, ...example }, 'more messages were dead-lettered; the last of them is shown');
    startCounting(reason);
  }

  function startCounting(reason: DeadLetterReason): void {
    counting.set(reason, { count: 0, example: {} });
    setTimeout(() => tell(reason), countForMs).unref();
  }

  return (delivery, reason, detail) => {
    const { messageId, body, properties } = delivery;
    const example = {
      detail,
      messageId: shortText(messageId),
      appId: shortText(properties.appId),
      userId: shortText(properties.userId),
      bytes: body.length,
    };
    const counted = counting.get(reason);
    if (counted) {
      counted.count += 1;
      counted.example = example;
      return;
    }
    logger.warn({ queue, reason, ...example }, 'a message was dead-lettered');
    startCounting(reason);
  };
}

const shortText = (value: unknown) => (typeof value === 'string' ? cutText(value, MAX_CHARS) : undefined);
