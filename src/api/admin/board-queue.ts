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
  /** Puts a job back in line at once, at its user's present place. Returns 1, or 0 if the job is no longer there. */
  returnJob: (from: 'delayed' | 'failed', jobId: string) => Promise<number>;
  /** Puts all delayed jobs back in line at once. */
  promoteAll: () => Promise<void>;
}

/**
 * The queue as the board sees it. BullMQ's own retry and promote would put a job at an old place in line, or before all
 * others. So the board uses our functions for both, which keep the order fair.
 */
export class BoardQueue extends BullMQAdapter {
  readonly #name: string;
  readonly #actions: BoardActions;
  /** A finished request has its answer, and its job no longer has the question, so it cannot be asked again. */
  override readonly allowCompletedRetries = false;

  /**
   * @param options.name no other queue of the board has it
   * @param options.pagePath where the operations page is: `/admin`
   */
  constructor(queue: Queue, { name, actions, pagePath }: { name: string; actions: BoardActions; pagePath: string }) {
    super(queue, {
      externalJobUrl: ({ id }) => ({
        displayText: 'Story',
        // The id of a job ends with the id of its request, encoded as an address needs it.
        href: `${pagePath}#/jobs/${String(id).replace(/^r-/, '')}`,
      }),
    });
    this.#name = name;
    this.#actions = actions;
  }

  override getName(): string {
    return this.#name;
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

/** Actions that the board offers and we refuse, by the board's routes. */
const refusals: Record<string, string> = {
  '/api/queues/:queueName/add':
    'Only messages on chat_requests make jobs. A job that is added here would have no user.',
  '/api/queues/:queueName/:jobId/update-data': 'The data of a job is what its user asked, and must not be changed.',
  '/api/queues/:queueName/:jobId/priority':
    'The priority is the place in line. It is computed, so that all users are served fairly.',
};
const RETRY = '/api/queues/:queueName/:jobId/retry';
/** What else the board could change, below `/api/queues/:queueName`. `/delay` and those after it are of no use here. */
const OFF = new Set(
  [
    ...['/retry/:queueStatus', '/:jobId/clean', '/clean/:queueStatus', '/empty', '/obliterate', '/pause', '/resume'],
    ...['/:jobId/delay', '/concurrency', '/rate-limit', '/rate-limit/release', '/:jobId/remove-unprocessed-children'],
    ...['/job-schedulers/:schedulerId', '/job-schedulers/:schedulerId/remove', '/job-schedulers/:schedulerId/run'],
  ].map((path) => `/api/queues/:queueName${path}`),
)
  .add('/api/queues/pause')
  .add('/api/queues/resume');
const NOT_HERE =
  'The board only retries and promotes jobs. To retry all that failed with one cause, use npm run jobs -- retry --code, or ' +
  'POST /admin/jobs/retry. To pause the intake, use npm run intake -- pause.';
const FINISHED = 'This request has its answer, and its job no longer has the question. Ask it again as a new request.';

/**
 * Refuses all that changes something, and says why, except to retry or promote one job and to promote all. *Retry all*
 * would retry unrelated failures, too.
 */
export const refuseWhatBreaksJobs: BeforeHook = async ({ route, request }) => {
  const refuse = (message: string) => ({ allow: false, status: 409 as const, message });
  const refusal = refusals[route];
  if (refusal) return refuse(refusal);
  const { queueName, queueStatus, jobId } = request.params as Record<string, string | undefined>;
  if (route === '/api/queues/:queueName/retry/:queueStatus' && queueStatus === 'completed') return refuse(FINISHED);
  if (OFF.has(route)) return refuse(NOT_HERE);
  if (route === RETRY && queueName && jobId) {
    const job = await request.queues.get(queueName)?.getJob(jobId);
    if ((await job?.getState()) === 'completed') return refuse(FINISHED);
  }
};
