import type { RequestHandler, Router } from 'express';
import type { Redis } from 'ioredis';
import { type ChatQueue, jobStates, promoteAllJobs, returnJobs } from '../../adapters/jobs/job-queue.ts';
import { createJobAdmin } from '../../adapters/jobs/search/job-admin.ts';
import { createBullBoardRouter } from '../../api/admin/bull-board.ts';
import { createDeadLettersRouter } from '../../api/admin/dead-letters.ts';
import { createGatesRouter, type OpenJobs } from '../../api/admin/gates.ts';
import { createJobsRouter } from '../../api/admin/jobs.ts';
import { createProcessesRouter } from '../../api/admin/processes.ts';
import { createAdminRouter, orLogin } from '../../api/admin/routes.ts';
import { createDeadLetterAdmin } from '../../bridge/redrive/dead-letter-admin.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { GateAdmin } from '../../contracts/gates.ts';
import type { ProcessList } from '../../contracts/http/process-bodies.ts';
import { brokerAddressOf } from '../broker-address.ts';

/** All that is behind `/admin`. */
export function createAdminParts(options: {
  config: ApiConfig;
  queue: ChatQueue;
  redis: Redis;
  gates: GateAdmin;
  judgedProcesses: () => Promise<ProcessList>;
  login: Router;
  requireAdmin: RequestHandler;
}): Router {
  const { config, queue, redis, gates, judgedProcesses, login, requireAdmin } = options;
  return createAdminRouter(
    login,
    createBullBoardRouter({
      queue,
      actions: {
        returnJob: (from, jobId) => returnJobs(queue, redis, from, [jobId]),
        promoteAll: () => promoteAllJobs(queue, redis),
      },
      mountPath: `${config.basePath}/admin`,
      requireAdmin: orLogin(requireAdmin),
    }),
    createDeadLettersRouter({ deadLetters: createDeadLetterAdmin(brokerAddressOf(config)), requireAdmin }),
    createGatesRouter({ gates, openJobs: () => countOpenJobs(queue, redis), requireAdmin }),
    createProcessesRouter({ listProcesses: judgedProcesses, requireAdmin }),
    createJobsRouter({ jobs: createJobAdmin(queue, redis), requireAdmin }),
  );
}

async function countOpenJobs(queue: ChatQueue, redis: Redis): Promise<OpenJobs> {
  const { states } = await jobStates(queue, redis);
  const { wait, prioritized, delayed, active } = states;
  return { waiting: wait.count + prioritized.count, delayed: delayed.count, active: active.count };
}
