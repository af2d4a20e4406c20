/** The queues of RabbitMQ that other services know, and what each is declared with. */
export const REQUESTS_QUEUE = 'chat_requests';
export const RESPONSES_QUEUE = 'chat_responses';

export type WorkQueue = typeof REQUESTS_QUEUE | typeof RESPONSES_QUEUE;

export const deadLetterQueueOf = (queue: WorkQueue) => `${queue}.dlq` as const;

/**
 * How often a message may come back from a consumer that died before it is dead-lettered. Set here because the
 * default differs between RabbitMQ 3.10 (none) and 4.x (20). A message is in hand for milliseconds only, so that
 * one that was in hand this often is the likely cause.
 */
const DELIVERY_LIMIT = 50;

/**
 * Dead letters are looked at, and given back, any number of times. RabbitMQ 3.10 takes -1, but drops a message that
 * comes back once; 4.x drops it after 20 times unless told otherwise. A limit that is never reached holds for all. It
 * also has letters go back to the front: without one, those given back one by one go behind all others.
 */
const NO_DELIVERY_LIMIT = 2 ** 31 - 1;
const deadLetterQueueArguments = { 'x-queue-type': 'quorum', 'x-delivery-limit': NO_DELIVERY_LIMIT };

/**
 * Arguments of `queue.declare`. At-least-once dead-lettering keeps a message in its queue until the dead-letter
 * queue has confirmed it; it needs `reject-publish`, which without a length limit rejects nothing.
 */
export const queueArguments: Record<string, Record<string, string | number>> = {
  [deadLetterQueueOf(REQUESTS_QUEUE)]: deadLetterQueueArguments,
  [deadLetterQueueOf(RESPONSES_QUEUE)]: deadLetterQueueArguments,
  [REQUESTS_QUEUE]: workQueueArguments(REQUESTS_QUEUE),
  [RESPONSES_QUEUE]: workQueueArguments(RESPONSES_QUEUE),
};

function workQueueArguments(queue: WorkQueue) {
  return {
    'x-queue-type': 'quorum',
    'x-delivery-limit': DELIVERY_LIMIT,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': deadLetterQueueOf(queue),
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
}

/** Headers that a dead letter carries beside its own. */
export const deadLetterHeaders = {
  reason: 'x-dead-letter-reason',
  detail: 'x-dead-letter-detail',
  at: 'x-dead-letter-at',
  queue: 'x-dead-letter-queue',
} as const;

/** On a dead letter whose `reply_to` cannot be sent on: what it was. */
export const ORIGINAL_REPLY_TO_HEADER = 'x-original-reply-to';

/** On a message sent back from a dead-letter queue: how often it was, and by which run the last time. */
export const REDRIVE_COUNT_HEADER = 'x-redrive-count';
export const REDRIVE_RUN_HEADER = 'x-redrive-run';

/** W3C trace context, carried from the HTTP request to the answer. */
export const TRACEPARENT_HEADER = 'traceparent';

/** BullMQ keeps its keys under this prefix; the braces hold them in one slot of a Redis Cluster. */
export const JOBS_PREFIX = '{healify}';
export const JOBS_QUEUE = 'chat';
