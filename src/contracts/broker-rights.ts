import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE, type WorkQueue } from './queues.ts';

/** What a RabbitMQ user may do, each as a regular expression of names: the three of `rabbitmqctl set_permissions`. */
export interface BrokerRights {
  configure: string;
  write: string;
  read: string;
}

const names = (...queues: string[]) => `^(${queues.join('|').replaceAll('.', '\\.')})$`;
const NOTHING = '^$';
/** Every message is published through the default exchange, which RabbitMQ calls this where rights are concerned. */
const DEFAULT_EXCHANGE = names('amq.default');
const DEAD_LETTERS = [deadLetterQueueOf(REQUESTS_QUEUE), deadLetterQueueOf(RESPONSES_QUEUE)];

/** The queue that a process holds as a lock while it looks at dead letters. */
export const lockOf = (queue: WorkQueue) => `${deadLetterQueueOf(queue)}.lock` as const;
const LOCKS = [lockOf(REQUESTS_QUEUE), lockOf(RESPONSES_QUEUE)];

/** The least rights of each process, where the queues are there already. */
export const leastRights = {
  /** Also reads dead letters, for `/admin/dead-letters`. */
  api: { configure: names(...LOCKS), write: DEFAULT_EXCHANGE, read: names(RESPONSES_QUEUE, ...DEAD_LETTERS) },
  worker: { configure: NOTHING, write: DEFAULT_EXCHANGE, read: names(REQUESTS_QUEUE) },
  /** Of `npm run dlq`. */
  dlq: { configure: names(...LOCKS), write: DEFAULT_EXCHANGE, read: names(...DEAD_LETTERS) },
} as const satisfies Record<string, BrokerRights>;

/** Of a user that declares the queues as well, and may be used for every process. */
export const declaringRights: BrokerRights = {
  configure: names(REQUESTS_QUEUE, RESPONSES_QUEUE, ...DEAD_LETTERS, ...LOCKS),
  write: DEFAULT_EXCHANGE,
  read: names(REQUESTS_QUEUE, RESPONSES_QUEUE, ...DEAD_LETTERS),
};

/** The command that gives a user exactly these rights. */
export const grantCommand = (
  { configure, write, read }: BrokerRights,
  { vhost, user }: { vhost: string; user: string },
) => ['rabbitmqctl set_permissions -p', ...[vhost, user, configure, write, read].map(quoted)].join(' ');

const quoted = (word: string) => (/^[\w/.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
