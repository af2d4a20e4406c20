import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { BeforeHook, JobStatus, QueueJob } from '@bull-board/api/typings/app';
import type { Queue } from 'bullmq';
import { HealifyError } from '../../contracts/errors.ts';

/** A job has moved on since the board showed it. */
export class JobElsewhereError extends HealifyError {
  readonly code = 'job_elsewhere';
  readonly retryable = false;
}

/** What the board's buttons do in our queue. */
export interface BoardActions {
  /** Lets a job go on at once, at its place in the line as it is now. Gives 1, or 0 if the job is not there any more. */
  returnJob: (from: 'delayed' | 'failed', jobId: string) => Promise<number>;
  /** Lets all delayed jobs go on at once. */
  promoteAll: () => Promise<void>;
}

/**
 * The queue as the board sees it. BullMQ's own retry and promote would put a job at a place of an earlier line, or before
 * everybody. So the board uses our functions for both, which keep the order fair.
 */
export class BoardQueue extends BullMQAdapter {
  readonly #actions: BoardActions;
  /** A finished request has its answer, and its job no longer has the question, so it cannot be asked again. */
  override readonly allowCompletedRetries = false;

  constructor(queue: Queue, actions: BoardActions) {
    super(queue);
    this.#actions = actions;
  }

  override async getJob(id: string) {
    const job = await super.getJob(id);
    return job && this.#withOurWays(job);
  }

  override async getJobs(statuses: JobStatus[], start?: number, end?: number) {
    const jobs = await super.getJobs(statuses, start, end);
    return jobs.map((job) => this.#withOurWays(job));
  }

  override async promoteAll(): Promise<void> {
    await this.#actions.promoteAll();
  }

  #withOurWays<J extends QueueJob>(job: J): J {
    const goOn = async (from: 'delayed' | 'failed') => {
      const returned = await this.#actions.returnJob(from, String(job.toJSON().id));
      if (returned === 0) throw new JobElsewhereError(`The job is not ${from} any more.`);
    };
    return Object.assign(job, { retry: () => goOn('failed'), promote: () => goOn('delayed') });
  }
}

/** What the board offers and we refuse, by the board's routes. */
const refusals: Record<string, string> = {
  '/api/queues/:queueName/add': 'Jobs are made by messages on chat_requests: one that is added here has no user.',
  '/api/queues/:queueName/:jobId/update-data': 'A job stays what its user has asked.',
  '/api/queues/:queueName/:jobId/priority': 'The priority is the place in line, which is kept fair for all users.',
};
const FINISHED = 'A finished request has its answer, and its job has no question any more: ask it anew.';

/** Refuses every action that would leave a job that nobody can work on, and says why. */
export const refuseWhatBreaksJobs: BeforeHook = async ({ route, request }) => {
  const refuse = (message: string) => ({ allow: false, status: 409 as const, message });
  const refusal = refusals[route];
  if (refusal) return refuse(refusal);
  const { queueName, queueStatus, jobId } = request.params as Record<string, string | undefined>;
  if (route === '/api/queues/:queueName/retry/:queueStatus' && queueStatus === 'completed') return refuse(FINISHED);
  if (route === '/api/queues/:queueName/:jobId/retry' && queueName && jobId) {
    const job = await request.queues.get(queueName)?.getJob(jobId);
    if ((await job?.getState()) === 'completed') return refuse(FINISHED);
  }
};
