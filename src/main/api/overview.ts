import { createDepthRecorder, type DepthSample, readDepthHistory } from '../../adapters/jobs/depth-history.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import { createSharedLook } from '../../adapters/redis/shared-look.ts';
import type { Line } from '../../api/chat/line/line.ts';
import type { GateAdmin } from '../../contracts/gates.ts';
import type { Overview } from '../../contracts/http/overview-bodies.ts';
import type { ProcessList } from '../../contracts/http/process-bodies.ts';
import type { IntakeAdmin } from '../../contracts/intake.ts';
import type { FailedOfCause, JobAdmin } from '../../contracts/jobs.ts';
import { deadLetterQueueOf, WORK_QUEUES } from '../../contracts/queues.ts';
import { FAILURES_SEEN_KEY } from '../../contracts/redis-keys.ts';
import type { RetryRun, RetryRunAdmin } from '../../contracts/retry-runs.ts';
import type { ServerMember } from '../../contracts/server-members.ts';
import { type HealthChecks, readiness } from '../../observability/health.ts';
import { lettersBefore } from '../../observability/letter-days.ts';
import type { LettersSeen } from '../../observability/letters-seen.ts';
import type { Logger } from '../../observability/log.ts';
import { pausedQueues, type QueuesSeen } from '../../observability/queues-seen.ts';

/** The overview counts no more failed jobs than this, the newest. */
const FAILURES_COUNTED = 20_000;
/** It shows a run that retries failed jobs for so long after its end. */
const ENDED_RUNS_SHOWN_MS = 600_000;
const WEEK_MS = 7 * 86_400_000;

/** What the operations page shows first, and the recorder of the depths. */
export function createOverviewParts(options: {
  redis: Redis;
  jobs: Pick<JobAdmin, 'failures'>;
  retryRuns: Pick<RetryRunAdmin, 'list'>;
  gates: Pick<GateAdmin, 'list'>;
  intake: Pick<IntakeAdmin, 'read'>;
  line: () => Pick<Line, 'waiting' | 'drainRate' | 'nextEtaMs'>;
  checks: HealthChecks;
  lookAtQueues: () => Promise<QueuesSeen | undefined>;
  lookAtLetters: () => Promise<LettersSeen | undefined>;
  lookAtMembers: () => Promise<ServerMember[] | undefined>;
  mongoDbMembers: (() => ServerMember[]) | undefined;
  oldestQuestionAgeMs: () => Promise<number | undefined>;
  judgedProcesses: () => Promise<ProcessList>;
  deadLetterRetentionMs: number;
  logger: Logger;
}) {
  const {
    redis,
    jobs,
    retryRuns,
    gates,
    intake,
    line,
    checks,
    lookAtQueues,
    lookAtLetters,
    lookAtMembers,
    judgedProcesses,
    logger,
  } = options;
  const lookAtFailures = createSharedLook<FailedOfCause[]>({
    redis,
    key: FAILURES_SEEN_KEY,
    look: async () => (await jobs.failures({}, FAILURES_COUNTED)).failures,
  });

  async function look(): Promise<Overview> {
    const [health, judged, pause, queues, letters, members, listed, failures, runs, oldestQuestionAgeMs] =
      await Promise.all([
        readiness(checks),
        orNull(judgedProcesses()),
        orNull(intake.read()),
        lookAtQueues(),
        lookAtLetters(),
        lookAtMembers(),
        orNull(gates.list()),
        lookAtFailures(),
        orNull(retryRuns.list()),
        options.oldestQuestionAgeMs(),
      ]);
    const { waiting, drainRate, nextEtaMs } = line();
    return {
      servers: Object.entries(health.checks ?? {}).map(([server, { status, detail = null }]) => ({
        server,
        state: status,
        detail,
        members: (server === 'rabbitmq' ? members : server === 'mongodb' ? options.mongoDbMembers?.() : null) ?? null,
      })),
      processes: judged && processesOf(judged),
      warnings: judged?.warnings ?? [],
      intake: pause,
      pausedJobQueues: (queues && pausedQueues(queues)) ?? null,
      line: {
        waiting,
        drainPerSecond: drainRate === undefined ? null : Math.round(drainRate * 100) / 100,
        etaMs: nextEtaMs,
        oldestQuestionAgeMs: oldestQuestionAgeMs ?? null,
      },
      queues: queues?.broker ? Object.entries(queues.broker).map(([queue, seen]) => ({ queue, ...seen })) : null,
      jobs: jobCountsOf(queues),
      gates: listed,
      deadLetters: letters ? lettersOf(letters) : null,
      deadLettersExpire: letters ? lettersThatExpire(letters, options.deadLetterRetentionMs) : null,
      failures: failures ?? null,
      retryRuns: runs?.filter(isRecent) ?? null,
    };
  }

  const sample = async (): Promise<DepthSample | undefined> => {
    const queues = await lookAtQueues();
    const counts = jobCountsOf(queues);
    if (!queues?.broker && !counts) return undefined;
    const { completed: _, ...open } = counts ?? {};
    return {
      ...(queues?.broker && {
        queue: Object.fromEntries(Object.entries(queues.broker).map(([queue, { messages }]) => [queue, messages])),
      }),
      ...(counts && { jobs: open as Record<string, number> }),
    };
  };

  return {
    look,
    readHistory: () => readDepthHistory(redis),
    recorder: createDepthRecorder({ redis, look: sample, logger }),
  };
}

const orNull = <T>(answer: Promise<T>): Promise<T | null> => answer.catch(() => null);

/** An age that grows would change the reply at every look, so it becomes a time. */
const processesOf = ({ processes }: ProcessList) =>
  processes.map(({ silentMs, ...one }) => {
    const since = Math.round((Date.now() - silentMs) / 1_000) * 1_000;
    return { ...one, silentSince: one.state === 'alive' ? null : new Date(since).toISOString() };
  });

function jobCountsOf(seen: QueuesSeen | undefined): Overview['jobs'] {
  if (!seen?.jobs) return null;
  const { states } = seen.jobs;
  const of = (...names: string[]) => names.reduce((sum, name) => sum + (states[name]?.count ?? 0), 0);
  return {
    waiting: of('wait', 'prioritized'),
    delayed: of('delayed'),
    active: of('active'),
    completed: of('completed'),
    failed: of('failed'),
  };
}

const lettersOf = (seen: LettersSeen) =>
  WORK_QUEUES.flatMap((queue) =>
    Object.entries(seen[deadLetterQueueOf(queue)]?.reasons ?? {}).map(([reason, count]) => ({ queue, reason, count })),
  );

function lettersThatExpire(seen: LettersSeen, retentionMs: number): NonNullable<Overview['deadLettersExpire']> {
  return WORK_QUEUES.flatMap((queue) => {
    const { oldestAt, days } = seen[deadLetterQueueOf(queue)] ?? {};
    if (typeof oldestAt !== 'number') return [];
    const withinWeek = lettersBefore(days ?? {}, Date.now() + WEEK_MS - retentionMs);
    return [{ queue, oldestGoesAt: new Date(oldestAt + retentionMs).toISOString(), withinWeek }];
  });
}

const isRecent = ({ endedAt }: RetryRun) => endedAt === null || Date.now() - Date.parse(endedAt) < ENDED_RUNS_SHOWN_MS;
