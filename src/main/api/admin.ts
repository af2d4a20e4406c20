import { type RequestHandler, Router } from 'express';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import type { FeedbackStore } from '../../adapters/conversations/feedback-store.ts';
import { jobStates, promoteAllJobs, returnJobs } from '../../adapters/jobs/job-queue.ts';
import type { JobShards } from '../../adapters/jobs/job-shards.ts';
import type { TextAccessStore } from '../../adapters/logins/text-access-store.ts';
import type { QueueDepths } from '../../adapters/rabbitmq/queue-depths.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import { createAdminAccountsRouter } from '../../api/admin/accounts.ts';
import { createBullBoardRouter } from '../../api/admin/bull-board.ts';
import { createDeadLettersRouter } from '../../api/admin/dead-letters.ts';
import { createFeedbackRouter } from '../../api/admin/feedback.ts';
import { createGatesRouter, type OpenJobs } from '../../api/admin/gates.ts';
import { createIntakeRouter } from '../../api/admin/intake.ts';
import { createJobsRouter } from '../../api/admin/jobs.ts';
import { createLinksRouter } from '../../api/admin/links.ts';
import { createAdminMeRouter } from '../../api/admin/me.ts';
import { createOverviewRouter } from '../../api/admin/overview.ts';
import { createProcessesRouter } from '../../api/admin/processes.ts';
import { createRetryRunsRouter } from '../../api/admin/retry-runs.ts';
import { createAdminRouter, orLogin } from '../../api/admin/routes.ts';
import { createTextsRouter } from '../../api/admin/texts.ts';
import type { Invites } from '../../api/auth/invites.ts';
import type { AccountAdmin } from '../../api/auth/manage-accounts.ts';
import type { OwnCookie } from '../../api/auth/own-cookie.ts';
import { createDeadLetterAdmin } from '../../bridge/redrive/dead-letter-admin.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import type { GateAdmin } from '../../contracts/gates.ts';
import type { ProcessList } from '../../contracts/http/process-bodies.ts';
import type { IntakeAdmin } from '../../contracts/intake.ts';
import type { JobAdmin } from '../../contracts/jobs.ts';
import { REQUESTS_QUEUE } from '../../contracts/queues.ts';
import type { RetryRunAdmin } from '../../contracts/retry-runs.ts';
import type { BodySeals, TextSeals } from '../../contracts/sealing.ts';
import type { Logger } from '../../observability/log.ts';
import { brokerAddressOf } from '../broker-address.ts';
import type { createOverviewParts } from './overview.ts';

/** All that is behind `/admin`. */
export function createAdminParts(options: {
  config: ApiConfig;
  /** Opens dead letters. */
  bodies: BodySeals;
  seals: TextSeals;
  shards: JobShards;
  redis: Redis;
  gates: GateAdmin;
  intake: IntakeAdmin;
  jobs: JobAdmin;
  retryRuns: RetryRunAdmin;
  overview: Pick<ReturnType<typeof createOverviewParts>, 'look' | 'readHistory'>;
  depths: Pick<QueueDepths, 'read'>;
  feedback: FeedbackStore;
  judgedProcesses: () => Promise<ProcessList>;
  login: Router;
  /** undefined if an identity provider has the accounts. */
  accountAdmin: AccountAdmin | undefined;
  /** The same. */
  accounts: Pick<AccountStore, 'byId'> | undefined;
  invites: Invites;
  trail: AuditTrail;
  textAccess: TextAccessStore;
  conversations: ConversationStore;
  /** Hears that somebody has taken access to texts. */
  onEmergency: () => void;
  /** See createEraseUserRouter. */
  eraseUser: Router;
  /** See createRetentionRouter. */
  retention: Router;
  requireAdmin: RequestHandler;
  adminCookie: OwnCookie;
  logger: Logger;
}): Router {
  const { config, bodies, seals, shards, redis, gates, feedback, intake, jobs, retryRuns, overview, depths } = options;
  const { conversations, onEmergency } = options;
  const { judgedProcesses, login, accountAdmin, invites, trail, textAccess: access, requireAdmin, logger } = options;
  const deadLetters = createDeadLetterAdmin({ ...brokerAddressOf(config), bodies, texts: seals });
  const openJobs = () => countOpenJobs(shards, redis);
  return createAdminRouter(
    login,
    createBullBoardRouter({
      queues: shards.all.map((shard) => ({
        queue: shard.queue,
        name: shard.name,
        actions: {
          returnJob: (from, jobId) => returnJobs(shard, redis, from, [jobId]),
          promoteAll: () => promoteAllJobs(shard, redis),
        },
      })),
      mountPath: `${config.basePath}/admin`,
      trail,
      requireAdmin: orLogin(requireAdmin, options.adminCookie),
    }),
    createAdminMeRouter({ access, accounts: options.accounts, requireAdmin }),
    createDeadLettersRouter({ deadLetters, trail, requireAdmin }),
    createTextsRouter({ conversations, deadLetters, access, trail, onEmergency, requireAdmin }),
    createGatesRouter({ gates, openJobs, trail, requireAdmin }),
    createIntakeRouter({ intake, effects: intakeEffects, trail, requireAdmin, logger }),
    createFeedbackRouter({ feedback, requireAdmin }),
    options.eraseUser,
    options.retention,
    accountAdmin ? createAdminAccountsRouter({ accounts: accountAdmin, invites, trail, requireAdmin }) : Router(),
    createProcessesRouter({ listProcesses: judgedProcesses, requireAdmin }),
    createJobsRouter({ jobs, trail, requireAdmin }),
    createRetryRunsRouter({ retryRuns, trail, requireAdmin, logger }),
    createOverviewRouter({ ...overview, requireAdmin }),
    createLinksRouter({
      links: {
        trace: config.traceUrl ?? null,
        logs: config.logsByTraceUrl ?? null,
        dashboards: config.dashboardsUrl ?? null,
      },
      requireAdmin,
    }),
  );

  async function intakeEffects() {
    const [messages, jobs, { processes }] = await Promise.all([depths.read(), openJobs(), judgedProcesses()]);
    return {
      messages: messages?.[REQUESTS_QUEUE] ?? null,
      jobs: jobs.waiting + jobs.delayed + jobs.active,
      workers: processes.filter(({ role, state }) => role === 'worker' && state === 'alive').length,
    };
  }
}

async function countOpenJobs(shards: JobShards, redis: Redis): Promise<OpenJobs> {
  const { states } = await jobStates(shards, redis);
  const { wait, prioritized, delayed, active } = states;
  return { waiting: wait.count + prioritized.count, delayed: delayed.count, active: active.count };
}
