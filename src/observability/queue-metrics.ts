import { Gauge, type Registry } from 'prom-client';
import type { LettersSeen } from './letters-seen.ts';
import type { QueuesSeen } from './queues-seen.ts';

/** The values of a gauge, each with the value of its label; undefined: it cannot be told. */
type Readings = [label: string, value: number][] | undefined;

/**
 * Adds what is known of the queues. Something that cannot be read is left out of a scrape, because a zero would be false.
 *
 * All processes show the same numbers, which one of them has read a few seconds ago. So queries use `max by (queue)` and
 * never `sum`.
 * @param read is called once for each metric of a scrape, so it must keep what it has read for a moment
 */
export function measureQueues(registry: Registry, read: () => Promise<QueuesSeen | undefined>): void {
  const gauge = (name: string, help: string, label: string, readings: (seen: QueuesSeen) => Readings) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      async collect() {
        const seen = await read();
        this.reset();
        for (const [value, reading] of (seen && readings(seen)) ?? []) this.set({ [label]: value }, reading);
      },
    });
  gauge(
    'healify_broker_queue_messages',
    'Messages in a queue of RabbitMQ that are ready to be delivered. In a queue that ends with .dlq: dead letters that stand. Every process shows the same, so use max and not sum.',
    'queue',
    ({ broker }) => broker && Object.entries(broker).map(([queue, { messages }]) => [queue, messages]),
  );
  gauge(
    'healify_broker_queue_consumers',
    'Consumers of a queue of RabbitMQ. A worker that has enough jobs does not consume. Every process shows the same.',
    'queue',
    ({ broker }) => broker && Object.entries(broker).map(([queue, { consumers }]) => [queue, consumers]),
  );
  gauge(
    'healify_broker_queue_not_empty_seconds',
    'For how long a queue of RabbitMQ has not been seen empty. Its oldest message is at most that old; in a queue that nobody consumes, such as one that ends with .dlq, it is that old. Every process shows the same.',
    'queue',
    ({ broker }) => broker && Object.entries(broker).map(([queue, { notEmptyForMs }]) => [queue, notEmptyForMs / 1000]),
  );
  gauge(
    'healify_jobs',
    'Jobs in Redis. state: as BullMQ calls it. prioritized waits for a worker, delayed for its time, and wait has jobs whose worker died. Every process shows the same, so use max and not sum.',
    'state',
    ({ jobs }) => jobs && Object.entries(jobs.states).map(([state, { count }]) => [state, count]),
  );
  gauge(
    'healify_jobs_first_age_seconds',
    'How long ago the first job of a state was added: the one that is taken next (wait, prioritized) or is due next (delayed), or that was taken first (active). Of completed and failed: how long ago the first one ended. Absent where there is no job. Every process shows the same.',
    'state',
    ({ jobs }) =>
      jobs &&
      Object.entries(jobs.states).flatMap(([state, { ageMs }]) =>
        ageMs === undefined ? [] : [[state, ageMs / 1000] satisfies [string, number]],
      ),
  );
  gauge(
    'healify_jobs_paused',
    '1 while nobody may take jobs of a queue, because somebody has paused it in BullMQ. Otherwise 0. queue: chat, or chat-0 and so on with JOB_SHARDS. Every process shows the same.',
    'queue',
    ({ jobs }) => jobs?.pauses && Object.entries(jobs.pauses).map(([queue, paused]) => [queue, paused ? 1 : 0]),
  );
  gauge(
    'healify_intake_paused_by_operator',
    '1 while an operator has paused the intake, so that no worker takes questions from the queue. Otherwise 0. Every process shows the same.',
    'queue',
    ({ intakePaused }) => (intakePaused === undefined ? undefined : [['chat_requests', intakePaused ? 1 : 0]]),
  );
}

/** Adds the age of the oldest open question, which is read anew for each scrape. 0: there is none. */
export function measureOldestQuestion(registry: Registry, readAgeMs: () => Promise<number | undefined>): void {
  new Gauge({
    name: 'healify_oldest_open_question_age_seconds',
    help: 'How long ago the question was asked that must end next, of those that the api accepted and that have not ended, wherever it is now. 0 if there is none. Every api shows the same, so use max and not sum.',
    registers: [registry],
    async collect() {
      const ageMs = await readAgeMs();
      // `reset` would set it to 0, which is a value.
      if (ageMs === undefined) this.remove();
      else this.set(ageMs / 1000);
    },
  });
}

/**
 * Adds the dead letters that stand, by reason, and when the oldest go. A queue without letters is left out.
 * @param options.read as `measureQueues` takes it
 * @param options.retentionMs how long letters are kept
 */
export function measureStandingLetters(
  registry: Registry,
  { read, retentionMs }: { read: () => Promise<LettersSeen | undefined>; retentionMs: number },
): void {
  new Gauge({
    name: 'healify_dead_letters_standing',
    help: 'Dead letters that wait for an operator. reason: as npm run dlq -- list shows it, or unread where more than 1,000 wait or somebody else has them. It is at most a minute behind. Every api shows the same, so use max and not sum.',
    labelNames: ['queue', 'reason'],
    registers: [registry],
    async collect() {
      const seen = await read();
      this.reset();
      for (const [queue, { reasons }] of Object.entries(seen ?? {}))
        for (const [reason, count] of Object.entries(reasons)) this.set({ queue, reason }, count);
    },
  });
  new Gauge({
    name: 'healify_dead_letters_expire_seconds',
    help: 'In how long the oldest dead letter of a queue is removed, because DEAD_LETTER_RETENTION has passed. Below 0: it is due. Where more than 1,000 stand, it is at most an hour behind. Absent where no letter says since when it stands. Every api shows the same, so use min and not sum.',
    labelNames: ['queue'],
    registers: [registry],
    async collect() {
      const seen = await read();
      this.reset();
      for (const [queue, { oldestAt }] of Object.entries(seen ?? {}))
        if (typeof oldestAt === 'number') this.set({ queue }, (oldestAt + retentionMs - Date.now()) / 1000);
    },
  });
}
