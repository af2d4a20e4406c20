import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE, type WorkQueue } from './queues.ts';

/** What a RabbitMQ user may do: the three regular expressions that `rabbitmqctl set_permissions` takes. */
export interface BrokerRights {
  configure: string;
  write: string;
  read: string;
}

const names = (...queues: string[]) => `^(${queues.join('|').replaceAll('.', '\\.')})$`;
const NOTHING = '^$';
/** The default exchange, through which we publish everything. Permissions call it `amq.default`. */
const DEFAULT_EXCHANGE = names('amq.default');
const DEAD_LETTERS = [deadLetterQueueOf(REQUESTS_QUEUE), deadLetterQueueOf(RESPONSES_QUEUE)];

/** The name of the exclusive queue that locks a dead-letter queue. */
export const lockOf = (queue: WorkQueue) => `${deadLetterQueueOf(queue)}.lock` as const;
const LOCKS = [lockOf(REQUESTS_QUEUE), lockOf(RESPONSES_QUEUE)];

/** The smallest set of rights for each process, if the queues exist already. */
export const leastRights = {
  /** The api also reads dead letters, for `/admin/dead-letters`. */
  api: { configure: names(...LOCKS), write: DEFAULT_EXCHANGE, read: names(RESPONSES_QUEUE, ...DEAD_LETTERS) },
  worker: { configure: NOTHING, write: DEFAULT_EXCHANGE, read: names(REQUESTS_QUEUE) },
  /** The command `npm run dlq`. */
  dlq: { configure: names(...LOCKS), write: DEFAULT_EXCHANGE, read: names(...DEAD_LETTERS) },
} as const satisfies Record<string, BrokerRights>;

/** The rights of a user that also declares the queues. They are enough for every process. */
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
