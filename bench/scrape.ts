import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { addJobs } from '../src/adapters/jobs/job-queue.ts';
import { openChatQueue } from '../src/adapters/jobs/job-shards.ts';
import { settleJobs } from '../src/adapters/jobs/redis-scripts/settle-jobs.ts';
import { connectToOneServer } from '../src/adapters/redis/connect-redis.ts';
import { QUEUES_SEEN_KEY } from '../src/contracts/redis-keys.ts';
import { continueTrace } from '../src/contracts/traceparent.ts';
import { freePort } from '../tools/services/free-port.ts';
import { type GuardedProcess, startGuarded } from '../tools/services/guarded-process.ts';
import { MESSAGE_SIGNING_KEY } from './contenders.ts';
import { describeMachine } from './machine.ts';
import { type Servers, startServers } from './servers.ts';
import { spread } from './statistics.ts';

// How long a scrape takes: `npm run bench:scrape`. An api and a worker as they are shipped, with four queues in RabbitMQ and
// six states of jobs in Redis.

const JOBS_KEPT = 20_000;
const BATCH = 200;
const ROUNDS = 20;
const GOAL_MS = 20;
/** A process that was asked less than a second ago does not look again. */
const PAUSE_MS = 1_100;
const ACCEPT = 'application/openmetrics-text';

if (process.argv.includes('--help')) {
  console.log(`Measures how long a scrape of /metrics takes with ${JOBS_KEPT} finished jobs in Redis, on a private RabbitMQ and Redis; takes
about two minutes. Exits with 1 if the median of one of them is not under ${GOAL_MS} ms.

  npm run bench:scrape
`);
  process.exit(0);
}

const servers = await startServers();
try {
  await servers.reset();
  await keepJobs(servers);
  const processes = await Promise.all([start('api', servers), start('worker', servers)]);
  const rows: Record<string, Record<string, string | number>> = {};
  for (const { name, metricsUrl } of processes) {
    // The first scrapes compile.
    await scrapes(metricsUrl, 3, async () => {});
    const looking = await scrapes(metricsUrl, ROUNDS, () => servers.redis.del(`${QUEUES_SEEN_KEY}:lease`));
    const reading = await scrapes(metricsUrl, ROUNDS, async () => {
      // As if another process had just looked.
      await servers.redis.set(`${QUEUES_SEEN_KEY}:lease`, '1');
      await servers.redis.pexpire(QUEUES_SEEN_KEY, 3_600_000);
    });
    rows[`${name}, which looks at the queues`] = looking;
    rows[`${name}, which reads what another process saw`] = reading;
  }
  await Promise.all(processes.map(({ child }) => child.stop()));
  console.table(await describeMachine(servers));
  console.table(rows);
  if (Object.values(rows).some(({ median }) => Number(median) >= GOAL_MS)) process.exitCode = 1;
} finally {
  await servers.stop();
}

async function scrapes(url: string, rounds: number, before: () => Promise<unknown>) {
  const times: number[] = [];
  let bytes = 0;
  for (let round = 0; round < rounds; round += 1) {
    await sleep(PAUSE_MS);
    await before();
    const startedAt = performance.now();
    const text = await (await fetch(url, { headers: { Accept: ACCEPT } })).text();
    times.push(performance.now() - startedAt);
    bytes = text.length;
    const kept = Number(/^healify_jobs\{.*state="completed".*\} (\d+)$/m.exec(text)?.[1]);
    if (kept !== JOBS_KEPT)
      throw new Error(`the scrape does not show the jobs that are kept:\n${text.match(/^healify_jobs.*$/gm)}`);
  }
  const { median, min, max } = spread(times);
  return { median: median.toFixed(1), min: min.toFixed(1), max: max.toFixed(1), bytes };
}

/** Leaves finished jobs in Redis, as a worker does. */
async function keepJobs({ redisUrl }: Servers): Promise<void> {
  const redis: Redis = connectToOneServer({ url: redisUrl, name: 'bench', logger: pino({ level: 'silent' }) });
  const queue = openChatQueue(redis);
  for (let kept = 0; kept < JOBS_KEPT; kept += BATCH) {
    const jobs = Array.from({ length: BATCH }, () => ({
      request: {
        ...{ version: 1 as const, requestId: randomUUID(), sessionId: randomUUID(), userId: randomUUID() },
        ...{ message: 'How much water should I drink a day?', context: [] },
        ...{ cache: true, priority: 'interactive' as const },
      },
      ...continueTrace(undefined),
      receivedAt: new Date().toISOString(),
    }));
    const { started } = await addJobs(queue, redis, jobs, { attempts: 3, room: BATCH });
    const settled = started.map(({ jobId, attemptsStarted }) => ({
      ...{ jobId, attemptsStarted, attemptsMade: 1, locked: false, returnValue: '{}' },
    }));
    const settings = { now: Date.now(), kept: JOBS_KEPT, keepsText: false, rememberMs: 3_600_000, room: 0 };
    await settleJobs(redis, (type) => queue.toKey(type), settled, settings);
  }
  await queue.close();
  redis.disconnect();
}

async function start(
  name: 'api' | 'worker',
  { rabbitMqUrl, redisUrl, modelUrl }: Servers,
): Promise<{ name: string; metricsUrl: string; child: GuardedProcess }> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const prefix = name.toUpperCase();
  const child = await startGuarded(process.execPath, [join(import.meta.dirname, `../src/main/${name}.ts`)], {
    env: {
      ...{ PATH: process.env.PATH, NODE_ENV: 'test', HOST: '127.0.0.1', LOG_LEVEL: 'warn', MESSAGE_SIGNING_KEY },
      ...{ RABBITMQ_URL: rabbitMqUrl, REDIS_URL: redisUrl, MODEL_SIMULATOR_URL: modelUrl },
      COMPLETED_JOBS_KEPT: String(JOBS_KEPT),
      [`${prefix}_PORT`]: String(port),
      [`${prefix}_METRICS_PORT`]: String(metricsPort),
    },
  });
  while (!(await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.ok) {
    if (!child.running) throw new Error(child.output());
    await sleep(100);
  }
  return { name, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`, child };
}
