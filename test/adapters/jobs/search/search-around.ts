import { randomUUID } from 'node:crypto';
import pino from 'pino';
import type { ChatJobResult, WorkflowState } from '../../../../src/adapters/jobs/chat-job.ts';
import { createJobRunner } from '../../../../src/adapters/jobs/runner/job-runner.ts';
import { createJobAdmin } from '../../../../src/adapters/jobs/search/job-admin.ts';
import { plainTexts } from '../../../../src/contracts/sealing.ts';
import { newJob } from '../runner/new-job.ts';
import { openQueue } from '../runner/queue-around.ts';

/** What `limits` of the runner are: so many ended jobs are kept, and for so long. */
export const jobLimits = {
  completedJobsKept: 1_000,
  completedJobsAgeMs: 3_600_000,
  failedJobsKept: 1_000,
  failedJobsAgeMs: 3_600_000,
};

/** What becomes of a job: how long it stays in hand, until it is told to end, or how it ends. */
export type Fate = 'complete' | 'cancel' | 'wait' | { failWith: string };

/** Jobs, a worker that ends them as it is told to, and the search over them. */
export async function openSearch(redisUrl?: string, shardCount = 1) {
  const around = await openQueue(redisUrl, shardCount);
  const { shards, redis } = around;
  const fates = new Map<string, Fate>();
  const connection = redis.duplicate();
  const runner = createJobRunner({
    ...jobLimits,
    ...{ shards, redis: connection, concurrency: 50, attempts: 3, seals: plainTexts, refuse: async () => {} },
    ...{ finishedJobTextMs: 0, redeliveryWindowMs: 3_600_000, logger: pino({ level: 'silent' }) },
  });

  return {
    ...around,
    runner,
    fates,
    admin: createJobAdmin(shards, redis),
    start: () =>
      runner.start(async (job) => {
        const { requestId, userId, sessionId } = job.data.request;
        const fate = fates.get(requestId) ?? 'complete';
        const steps = [{ step: 'ask-model', attempt: 1, ms: 12.5 }];
        if (fate === 'wait') return void (await job.delay(3_600_000));
        if (typeof fate === 'object') {
          const state: WorkflowState = { step: 'ask-model', attempt: 1, steps, results: {}, crashes: 0 };
          return void (await job.fail(new Error(`ask-model: ${fate.failWith}: the model did not answer`), state));
        }
        const status = fate === 'cancel' ? 'cancelled' : 'completed';
        await job.complete({ sessionId, userId, status, steps, traceId: 'a'.repeat(32) } as ChatJobResult);
      }),
    /** Adds a job. @returns the id of its request */
    add: async (fate: Fate, request: { userId?: string; sessionId?: string; message?: string } = {}) => {
      const job = newJob(randomUUID());
      const { requestId } = job.request;
      fates.set(requestId, fate);
      await runner.add([{ ...job, request: { ...job.request, ...request } }]);
      return requestId;
    },
    close: async () => {
      await runner.stop(0, () => {});
      await around.close();
      connection.disconnect();
    },
  };
}

export type Search = Awaited<ReturnType<typeof openSearch>>;
