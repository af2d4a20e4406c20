import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { jobIdOf } from '../src/adapters/jobs/chat-job.ts';
import { openJobShards } from '../src/adapters/jobs/job-shards.ts';
import { FINISHED_DATA } from '../src/adapters/jobs/redis-scripts/finished-data.ts';
import type { EndedJob } from '../src/adapters/jobs/search/ended-line.ts';
import { appendToEndedLog } from '../src/adapters/jobs/search/ended-log.ts';
import { createJobAdmin } from '../src/adapters/jobs/search/job-admin.ts';
import type { JobFilter } from '../src/contracts/jobs.ts';
import { startRedis } from '../tools/services/redis.ts';

// How long a search takes among 100,000 finished and failed jobs: `npm run bench:search`. Half of them have failed. The jobs
// are written as a worker leaves them; the search is the one of the api, on a Redis of its own.

const JOBS = 100_000;
const USERS = 1_000;
const BATCH = 500;
const RUNS = 15;
const GOAL_MS = 100;
/** How long one command may hold up a Redis that does nothing else. */
const GOAL_BLOCKED_MS = 10;
const CODES = ['model_timeout', 'model_unavailable', 'model_rejected', 'worker_crashed'];
const A_RARE_CODE = 'spend_uncertain';
const LIMITS = {
  ...{ completedJobsKept: JOBS, completedJobsAgeMs: 86_400_000 },
  ...{ failedJobsKept: JOBS, failedJobsAgeMs: 86_400_000 },
};
const TEXT = 'How much water should I drink a day? '.repeat(20);

if (process.argv.includes('--help')) {
  console.log(`Measures a search among ${JOBS} finished and failed jobs; takes about half a minute.

  npm run bench:search
`);
  process.exit(0);
}

const dir = mkdtempSync(join(tmpdir(), 'healify-bench-'));
const server = await startRedis({ dir });
const redis = new Redis(server.url, { maxRetriesPerRequest: null });
const shards = openJobShards(redis, 1);
const { toKey } = shards.all[0]!;
const startedAt = Date.now() - JOBS;

const endedJob = (i: number): EndedJob => ({
  jobId: jobIdOf(crypto.randomUUID()),
  at: startedAt + i,
  status: i % 2 === 0 ? 'failed' : i % 1_001 === 0 ? 'cancelled' : 'completed',
  code: i % 2 === 1 ? '' : i === JOBS / 2 ? A_RARE_CODE : CODES[(i / 2) % CODES.length]!,
  userId: `user-${i % USERS}`,
  sessionId: `session-${Math.floor(i / 5)}`,
});

/** The fields of a job as a worker leaves it. */
function fieldsOf({ jobId, at, status, code, userId, sessionId }: EndedJob): Record<string, string | number> {
  const steps = ['check-cache', 'ask-model', 'write-cache', 'publish'].map((step) => ({ step, attempt: 1, ms: 12.3 }));
  const common = { name: 'chat', opts: '{"priority":1,"attempts":3}', timestamp: at - 1_000, delay: 0, priority: 1 };
  const times = { processedOn: at - 900, finishedOn: at, ats: 1, atm: 1 };
  if (status === 'failed') {
    const request = { version: 1, requestId: jobId.slice(2), sessionId, userId, message: TEXT, context: [] };
    const progress = { step: 'ask-model', attempt: 1, steps, results: {}, crashes: 0 };
    const failedReason = `ask-model: ${code}: the model did not answer`;
    return {
      ...{ ...common, ...times, failedReason, user: userId, stacktrace: JSON.stringify([failedReason]) },
      ...{ data: JSON.stringify({ request }), progress: JSON.stringify(progress) },
    };
  }
  const timings = { waitMs: 12, modelMs: 500, totalMs: 512 };
  const result = { sessionId, userId, status, model: 'gpt-5', provider: 'openai', cached: false, attempts: 1, timings };
  return {
    ...{ ...common, ...times, data: FINISHED_DATA, progress: '' },
    returnvalue: JSON.stringify({ ...result, steps, traceId: 'a'.repeat(32) }),
  };
}

async function fill(): Promise<void> {
  for (let first = 0; first < JOBS; first += BATCH) {
    const jobs = Array.from({ length: BATCH }, (_, i) => endedJob(first + i));
    const pipeline = redis.pipeline();
    for (const job of jobs) {
      pipeline.hset(toKey(job.jobId), fieldsOf(job));
      pipeline.zadd(toKey(job.status === 'failed' ? 'failed' : 'completed'), job.at, job.jobId);
    }
    await pipeline.exec();
    const failed = jobs.filter(({ status }) => status === 'failed');
    const others = jobs.filter(({ status }) => status !== 'failed');
    await appendToEndedLog(redis, toKey, 'failed', failed, LIMITS);
    await appendToEndedLog(redis, toKey, 'completed', others, LIMITS);
  }
}

const searches: Record<string, JobFilter> = {
  'all, the latest': {},
  'one user': { userId: 'user-77' },
  'one session': { sessionId: 'session-12345' },
  'failed with a frequent code': { code: 'model_timeout' },
  'failed with a code that one job has': { code: A_RARE_CODE },
  'failed with a code that none has': { code: 'deadline_exceeded' },
  'one user, failed with a code': { userId: 'user-76', code: 'model_rejected' },
  cancelled: { status: 'cancelled' },
  'completed, in the middle': { status: 'completed', until: startedAt + JOBS / 2 },
  'an unknown user': { userId: 'nobody' },
};

async function measure(filter: JobFilter) {
  const jobs = createJobAdmin(shards, redis);
  const times: number[] = [];
  let found = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const beganAt = performance.now();
    ({ length: found } = (await jobs.search(filter, { limit: 50 })).jobs);
    times.push(performance.now() - beganAt);
  }
  times.sort((a, b) => a - b);
  return { found, median: Math.round(times[RUNS >> 1]!), slowest: Math.round(times.at(-1)!) };
}

/** The longest time for which one command kept Redis busy, ms. */
async function longestCommandMs(): Promise<number> {
  const entries = (await redis.call('SLOWLOG', 'GET', '-1')) as [number, number, number, ...unknown[]][];
  return Math.max(0, ...entries.map(([, , microseconds]) => microseconds)) / 1_000;
}

try {
  await fill();
  await redis.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
  await redis.call('CONFIG', 'SET', 'slowlog-max-len', '100000');
  await redis.call('SLOWLOG', 'RESET');
  const rows = new Map<string, Awaited<ReturnType<typeof measure>>>();
  for (const [name, filter] of Object.entries(searches)) rows.set(name, await measure(filter));
  const blockedMs = await longestCommandMs();
  console.log(`\nA page of 50 among ${JOBS} finished and failed jobs, ms (${RUNS} runs)`);
  console.table(Object.fromEntries(rows));
  const slowest = Math.max(...[...rows.values()].map(({ median }) => median));
  console.log(`slowest median: ${slowest} ms, goal: under ${GOAL_MS} ms`);
  console.log(`longest command of Redis: ${blockedMs.toFixed(1)} ms, goal: under ${GOAL_BLOCKED_MS} ms`);
  if (slowest >= GOAL_MS || blockedMs >= GOAL_BLOCKED_MS) process.exitCode = 1;
} finally {
  await shards.close();
  redis.disconnect();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
