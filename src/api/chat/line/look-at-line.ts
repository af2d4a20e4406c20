import type { JobsSeen } from '../../../adapters/jobs/place-in-line.ts';
import type { QueueDepths } from '../../../adapters/rabbitmq/queue-depths.ts';
import { REQUESTS_QUEUE } from '../../../contracts/queues.ts';

/** What is seen of all queues, by all replicas. */
export interface QueuesSeen {
  /** Requests in RabbitMQ. */
  inBroker: number;
  /** Jobs that no worker has taken. */
  inJobs: number;
  /** Jobs that workers have in hand. */
  inHand: number;
  /** Workers that take requests from RabbitMQ. There are none while all workers have enough jobs. */
  consumers: number;
  /** Whether a worker has shown in the last seconds that it runs. */
  workerAlive: boolean;
  /** Whether workers of ours were there, and all of them have fallen silent without saying that they stop. */
  workersSilent: boolean;
  /** Whether no provider may be asked: each has failed, or has asked for a pause. */
  modelShut: boolean;
  /** All answers that were ever written down. */
  settled: number;
}

/**
 * Reads the queues, and adds the answers that this process has written down since the last look to the count of all
 * replicas.
 * @returns undefined: RabbitMQ is out of reach
 */
export type LookAtLine = (newlySettled: number) => Promise<QueuesSeen | undefined>;

/** A look costs one round trip to RabbitMQ, and two to Redis. */
export function createLookAtLine(options: {
  depths: Pick<QueueDepths, 'states'>;
  lookAtJobs: () => Promise<JobsSeen>;
  areWorkersSilent: () => Promise<boolean>;
  isModelShut: () => Promise<boolean>;
  addToSettledCount: (newlySettled: number) => Promise<number>;
}): LookAtLine {
  const { depths, lookAtJobs, areWorkersSilent, isModelShut, addToSettledCount } = options;
  return async (newlySettled) => {
    const requests = (await depths.states())?.[REQUESTS_QUEUE];
    if (!requests) return undefined;
    const [jobs, workersSilent, modelShut] = await Promise.all([lookAtJobs(), areWorkersSilent(), isModelShut()]);
    // Comes last: after a look that fails, the next one adds the same answers again.
    const settled = await addToSettledCount(newlySettled);
    return {
      inBroker: requests.messages,
      consumers: requests.consumers,
      inJobs: jobs.untaken,
      inHand: jobs.inHand,
      workerAlive: jobs.workerAlive,
      workersSilent,
      modelShut,
      settled,
    };
  };
}
