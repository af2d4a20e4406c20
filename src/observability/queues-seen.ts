/** What RabbitMQ says of a queue. */
export interface BrokerQueueSeen {
  /** Messages that are ready to be delivered. */
  messages: number;
  consumers: number;
}

/** What Redis says of the jobs. */
export interface JobsSeen {
  /** By queue: whether somebody has paused it, so that nobody may take its jobs. Absent: a process of an earlier version has looked. */
  pauses?: Record<string, boolean>;
  /** By state, as BullMQ calls it. `ageMs`: of the job that is first; undefined where there is none. */
  states: Record<string, { count: number; ageMs: number | undefined }>;
}

/** The names of the queues of jobs that somebody has paused; undefined: not known. */
export const pausedQueues = ({ jobs }: Pick<QueuesSeen, 'jobs'>): string[] | undefined =>
  jobs?.pauses && Object.keys(jobs.pauses).filter((queue) => jobs.pauses?.[queue]);

/** The queues, as one process has seen them for all. */
export interface QueuesSeen {
  /** Absent: RabbitMQ could not be asked. */
  broker?: Record<string, BrokerQueueSeen & { notEmptyForMs: number }>;
  /** Absent: Redis could not be asked. */
  jobs?: JobsSeen;
  /** Whether an operator has paused the intake. Absent: as above. */
  intakePaused?: boolean;
  /** Since when each queue of RabbitMQ has had messages at every look, in ms. */
  notEmptySince: Record<string, number>;
}

/**
 * Looks at the queues of RabbitMQ and at the jobs.
 *
 * RabbitMQ does not tell how old a message is unless the message is taken, which would change its place and its count of
 * deliveries. So we measure for how long a queue has not been seen empty. Messages are taken in their order, so the oldest one
 * is at most that old; if nobody takes messages, as in a dead-letter queue, it is just that old.
 */
export function createQueuesLook(ask: {
  brokerQueues: () => Promise<Record<string, BrokerQueueSeen> | undefined>;
  jobs: () => Promise<JobsSeen>;
  intakePaused: () => Promise<boolean>;
  now?: () => number;
}): (previous: QueuesSeen | undefined) => Promise<QueuesSeen> {
  const { brokerQueues, jobs, intakePaused, now = Date.now } = ask;
  return async (previous) => {
    const [broker, seenJobs, paused] = await Promise.all([
      brokerQueues().catch(() => undefined),
      jobs().catch(() => undefined),
      intakePaused().catch(() => undefined),
    ]);
    const lookedAt = now();
    const before = previous?.notEmptySince ?? {};
    // While RabbitMQ is away its queues keep what they have.
    const notEmptySince = broker ? {} : before;
    const seenBroker: QueuesSeen['broker'] = {};
    for (const [queue, seen] of Object.entries(broker ?? {})) {
      const since = before[queue] ?? lookedAt;
      if (seen.messages > 0) notEmptySince[queue] = since;
      seenBroker[queue] = { ...seen, notEmptyForMs: seen.messages > 0 ? Math.max(0, lookedAt - since) : 0 };
    }
    return {
      ...(broker && { broker: seenBroker }),
      ...(seenJobs && { jobs: seenJobs }),
      ...(paused !== undefined && { intakePaused: paused }),
      notEmptySince,
    };
  };
}
