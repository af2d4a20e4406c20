import type { Logger } from 'pino';
import { onCancelled } from '../adapters/jobs/cancellations.ts';
import type { KnownFailure } from '../adapters/jobs/chat-job.ts';
import type { JobInHand } from '../adapters/jobs/job-in-hand.ts';
import type { JobRunner } from '../adapters/jobs/runner/job-runner.ts';
import type { Subscriber } from '../adapters/redis/redis.ts';
import type { ChatResponse } from '../contracts/chat-response.ts';
import type { Tracer } from '../contracts/tracer.ts';
import { answerRequest, type ChatWorkflow, countCallCutShort } from './chat/chat-workflow.ts';
import { type EarlyLookUp, lookUpEarly } from './chat/early-look-up.ts';
import { createEndAttempt } from './end-attempt.ts';
import { createFailForGood } from './fail-for-good.ts';
import { beginTask, type ChatWorkerEvents, logOf, type Task } from './task.ts';

export interface ChatWorkerOptions {
  jobs: JobRunner<EarlyLookUp>;
  /** A connection of its own, which receives the notices of cancelled requests. */
  subscriber: Subscriber;
  workflow: ChatWorkflow;
  /** A request fails if more processes than this have died while working on it. */
  maxCrashes: number;
  events: ChatWorkerEvents;
  tracer?: Tracer | undefined;
  logger: Logger;
}

/**
 * Works on the jobs. An attempt at a job ends in one of six ways:
 * - *completed*: its answer was published
 * - *cancelled* by its user
 * - *waiting* because something is out of reach; this uses up no attempt
 * - *retried* after a backoff
 * - *handed back*, because this process must stop
 * - *failed* for good: its user is told, and the job is moved to the failed jobs, where an operator can retry it
 */
export function startChatWorker(options: ChatWorkerOptions): { stop(graceMs: number): Promise<void> } {
  const { jobs, workflow, events, logger, maxCrashes } = options;
  let stopping = false;
  const surroundings = { workflow, events, logger, isStopping: () => stopping };
  const failForGood = createFailForGood(surroundings);
  const endAttempt = createEndAttempt(surroundings, failForGood);

  jobs.start(work, ({ request }) => lookUpEarly(workflow, request));
  onCancelled({
    subscriber: options.subscriber,
    callback: (shard, requestId) => jobs.cancel(shard, requestId),
    onRefused: (error) =>
      logger.warn({ err: error }, 'cannot subscribe to cancellations: they take effect a second or two late'),
  });

  async function work(job: JobInHand, early: EarlyLookUp | undefined): Promise<void> {
    const task = beginTask(job, workflow, events, options.tracer);
    events.onStarted();
    try {
      if (task.run.interrupted) {
        logOf(logger, task).warn({ crashes: job.crashes }, 'a request is taken up again after its worker died');
      }
      const { failure } = task.run.state;
      const crashed = crashesOf(task) > maxCrashes;
      if (!failure && !crashed) await answer(task, early);
      // A failed job keeps its question, and the user may have erased that. So a cancelled request never fails.
      else if (job.cancelled) await endAttempt.cancel(task);
      else if (failure) await failForGood.fail(task, failure);
      else await failCrashed(task);
    } finally {
      task.span?.end();
      void task.attempt.log?.close();
      events.onReleased();
    }
  }

  async function failCrashed(task: Task): Promise<void> {
    countCallCutShort(workflow, task.run);
    await failForGood.fail(task, crashedTooOften);
  }

  async function answer(task: Task, early: EarlyLookUp | undefined): Promise<void> {
    const { job, run, attempt } = task;
    let response: ChatResponse;
    try {
      response = await answerRequest(workflow, job.data, run, attempt, early);
    } catch (error) {
      return await (job.cancelled ? endAttempt.cancel(task) : endAttempt.decideOn(task, error));
    }
    await endAttempt.complete(task, response);
  }

  return {
    stop: (graceMs) =>
      jobs.stop(graceMs, () => {
        stopping = true;
      }),
  };
}

/** How many processes have died while working on the request since an operator last retried it. */
const crashesOf = ({ job, run }: Task) => job.crashes - (run.state.crashesForgiven ?? 0);

const crashedTooOften: KnownFailure = {
  code: 'worker_crashed',
  cause: 'too many processes died while working on the request',
};
