import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE } from './queues.ts';
import { UnreadableMessage } from './read-message.ts';

/** Where a request wants its answer: AMQP's `reply_to`, and the `correlation_id` that the answer must have. */
export interface ReplyAddress {
  /** The name of a queue. Answers are published to it through the default exchange. */
  to: string;
  correlationId?: string;
}

/**
 * The `reply_to` of a client that wants the answer on its own channel (direct reply-to). RabbitMQ replaces it on the
 * way.
 */
export const DIRECT_REPLY = 'amq.rabbitmq.reply-to';
/** Whether this is what RabbitMQ replaced it with. It names no queue, but the one consumer that asked. */
export const isDirectReply = (queue: string) => queue.startsWith(`${DIRECT_REPLY}.`);

/** How AMQP 1.0 clients address a queue, in RabbitMQ 4 and before. The name in it is percent-encoded. */
const AMQP_1_0_QUEUE = /^\/(?:queues|queue|amq\/queue)\/(.*)$/s;
const AMQP_1_0_EXCHANGE = /^\/(?:exchanges|exchange|topic)\//;
/** Decoding replaces bytes that are not UTF-8 with this. The original is lost, so we cannot send it back. */
const REPLACEMENT = '\ufffd';

/** Our own queues other than `chat_responses`. An answer in one of them would be misread. */
const NEVER = new Set<string>([REQUESTS_QUEUE, deadLetterQueueOf(REQUESTS_QUEUE), deadLetterQueueOf(RESPONSES_QUEUE)]);

/**
 * Reads where a request wants its answer.
 * @param allowed whether the operator allows answers to this queue
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
  if (to === DIRECT_REPLY) {
    throw new UnreadableMessage('invalid_reply_to', 'reply_to names no queue: RabbitMQ knows nobody who waits there');
  }
  if (NEVER.has(to) || NEVER.has(to.replace(/\.lock$/, ''))) {
    throw new UnreadableMessage('invalid_reply_to', 'reply_to must not be one of our own queues');
  }
  if (!allowed(to)) throw new UnreadableMessage('invalid_reply_to', 'reply_to is no queue that REPLY_QUEUES allows');
  if (typeof correlationId === 'string' && correlationId.includes(REPLACEMENT)) {
    throw new UnreadableMessage('invalid_reply_to', 'the correlation_id is not valid UTF-8 and cannot be given back');
  }
  return { to, ...(typeof correlationId === 'string' && correlationId !== '' && { correlationId }) };
}

function queueOf(replyTo: string): string {
  const invalid = (detail: string) => new UnreadableMessage('invalid_reply_to', detail);
  if (replyTo.includes(REPLACEMENT)) throw invalid('reply_to is not valid UTF-8');
  if (AMQP_1_0_EXCHANGE.test(replyTo))
    throw invalid('reply_to is the address of an exchange: it must be that of a queue');
  const [, name] = AMQP_1_0_QUEUE.exec(replyTo) ?? [];
  if (name === undefined) return replyTo;
  try {
    const queue = decodeURIComponent(name);
    if (queue !== '') return queue;
  } catch {
    // It is not percent-encoded.
  }
  throw invalid('reply_to is no address of a queue');
}

/** Returns a function that says whether a name matches one of the patterns, in which `*` stands for any text. */
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
