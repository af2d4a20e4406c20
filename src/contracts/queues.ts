// The RabbitMQ queues that other services know, and the arguments with which each is declared.

export const REQUESTS_QUEUE = 'chat_requests';
export const RESPONSES_QUEUE = 'chat_responses';

export const WORK_QUEUES = [REQUESTS_QUEUE, RESPONSES_QUEUE] as const;

export type WorkQueue = (typeof WORK_QUEUES)[number];

export const deadLetterQueueOf = (queue: WorkQueue) => `${queue}.dlq` as const;

/**
 * A message that was redelivered this often, because its consumers died, goes to the dead-letter queue. A consumer
 * holds a message only for milliseconds. So a message that was there at so many deaths probably caused them. We set the
 * limit because its default is none in RabbitMQ 3.10 and 20 in 4.x.
 */
const DELIVERY_LIMIT = 50;

/**
 * Reading dead letters takes them and gives them back, any number of times. So they need a limit that is never reached.
 * Every other setting fails in some version: RabbitMQ 3.10 accepts -1 but drops a message at its first return, and 4.x
 * drops it after 20 returns. With a limit, letters also go back to the front of the queue. Without one, letters that
 * are given back one by one go to its end.
 */
const NO_DELIVERY_LIMIT = 2 ** 31 - 1;
const deadLetterQueueArguments = { 'x-queue-type': 'quorum', 'x-delivery-limit': NO_DELIVERY_LIMIT };

/**
 * Arguments of `queue.declare`. With at-least-once dead-lettering, a message stays in its queue until the dead-letter queue
 * has confirmed it. This needs `reject-publish`, which rejects nothing as long as the queue has no maximum length.
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

/** Headers that are added to a message when it is dead-lettered. */
export const deadLetterHeaders = {
  reason: 'x-dead-letter-reason',
  detail: 'x-dead-letter-detail',
  at: 'x-dead-letter-at',
  queue: 'x-dead-letter-queue',
  /** `1`: its body is encrypted. */
  sealed: 'x-dead-letter-sealed',
} as const;

/** The `reply_to` of a dead letter, if RabbitMQ would refuse the letter with it. */
export const ORIGINAL_REPLY_TO_HEADER = 'x-original-reply-to';

/** On a message that was sent back from a dead-letter queue: how many times, and by which run the last time. */
export const REDRIVE_COUNT_HEADER = 'x-redrive-count';
export const REDRIVE_RUN_HEADER = 'x-redrive-run';

/**
 * On a message of a version that none of its readers has known so far: since when, ISO 8601. See
 * adapters/rabbitmq/newer-messages.ts.
 */
export const NEWER_SINCE_HEADER = 'x-newer-version-since';

/** W3C trace context, passed on from the HTTP request to the answer. */
export const TRACEPARENT_HEADER = 'traceparent';
export const TRACESTATE_HEADER = 'tracestate';

/**
 * The prefix of BullMQ's keys, and of keys about all jobs. Because of the braces, keys with the same prefix share a slot of a
 * Redis Cluster.
 */
export const JOBS_PREFIX = '{healify}';
export const JOBS_QUEUE = 'chat';

/** The largest number of queues over which jobs are spread. */
export const MOST_JOB_SHARDS = 64;

/**
 * The prefix of the keys of one of the queues over which jobs are spread. If there is only one, its prefix is what it always
 * was.
 */
export const jobsPrefixOf = (shard: number, shards: number) => (shards === 1 ? JOBS_PREFIX : `{healify:${shard}}`);
