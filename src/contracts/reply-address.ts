import { UnreadableMessage } from './chat-request.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE } from './queues.ts';

/** Where a request wants its answer: AMQP's `reply_to`, and the `correlation_id` that the answer is to carry. */
export interface ReplyAddress {
  /** The name of a queue; it is published to through the default exchange. */
  to: string;
  correlationId?: string;
}

/** What RabbitMQ makes of `amq.rabbitmq.reply-to`: no queue, but a way to the one consumer that asked. */
export const isDirectReply = (queue: string) => queue.startsWith('amq.rabbitmq.reply-to.');

/** How an AMQP 1.0 client addresses a queue in RabbitMQ 4; the name behind it is percent-encoded. */
const AMQP_1_0_QUEUE = '/queues/';

/** Our own queues, but for the one that answers belong to. An answer in them would be taken for something else. */
const NEVER = new Set<string>([REQUESTS_QUEUE, deadLetterQueueOf(REQUESTS_QUEUE), deadLetterQueueOf(RESPONSES_QUEUE)]);

/**
 * Reads where a request wants its answer.
 * @param allowed whether an operator lets answers go to this queue
 * @returns undefined for `chat_responses`, where answers go unless a request says otherwise
 * @throws UnreadableMessage invalid_reply_to
 */
export function readReplyAddress(
  { replyTo, correlationId }: { replyTo?: unknown; correlationId?: unknown },
  allowed: (queue: string) => boolean,
): ReplyAddress | undefined {
  if (typeof replyTo !== 'string' || replyTo === '') return undefined;
  const to = queueOf(replyTo);
  if (to === RESPONSES_QUEUE) return undefined;
  if (NEVER.has(to) || NEVER.has(to.replace(/\.lock$/, ''))) {
    throw new UnreadableMessage('invalid_reply_to', 'reply_to must not be one of our own queues');
  }
  if (!allowed(to)) throw new UnreadableMessage('invalid_reply_to', 'reply_to is no queue that REPLY_QUEUES allows');
  return { to, ...(typeof correlationId === 'string' && correlationId !== '' && { correlationId }) };
}

function queueOf(replyTo: string): string {
  if (!replyTo.startsWith(AMQP_1_0_QUEUE)) return replyTo;
  try {
    return decodeURIComponent(replyTo.slice(AMQP_1_0_QUEUE.length));
  } catch {
    throw new UnreadableMessage('invalid_reply_to', 'reply_to is no address of a queue');
  }
}

/** Whether a name is one of these, where `*` stands for any text. */
export function nameMatcher(patterns: readonly string[]): (name: string) => boolean {
  const escaped = patterns.map((pattern) =>
    pattern
      .split('*')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*'),
  );
  const whole = new RegExp(`^(?:${escaped.join('|')})$`, 's');
  return (name) => whole.test(name);
}
