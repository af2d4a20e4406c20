import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfirmChannel } from 'amqplib';
import { createAnswerCache } from '../../src/adapters/answers/answer-cache.ts';
import { landAnswers } from '../../src/adapters/answers/redis-scripts/land-answers.ts';
import { lookUpAnswers } from '../../src/adapters/answers/redis-scripts/look-up-answers.ts';
import type { StepRecord } from '../../src/adapters/jobs/chat-job.ts';
import { addJobs, type NewJob } from '../../src/adapters/jobs/job-queue.ts';
import { openChatQueue } from '../../src/adapters/jobs/job-shards.ts';
import { saveJobs } from '../../src/adapters/jobs/redis-scripts/save-jobs.ts';
import { settleJobs } from '../../src/adapters/jobs/redis-scripts/settle-jobs.ts';
import { createConfiguredModel } from '../../src/adapters/model/configured-model.ts';
import { createBatchConsumer } from '../../src/adapters/rabbitmq/batch-consumer.ts';
import { encode } from '../../src/adapters/rabbitmq/chat-messages.ts';
import { connectRabbitMq } from '../../src/adapters/rabbitmq/connection.ts';
import type { Delivery } from '../../src/adapters/rabbitmq/settle-batch.ts';
import { connectRedis, connectToOneServer } from '../../src/adapters/redis/connect-redis.ts';
import { SIGNATURE_HEADER } from '../../src/contracts/answer-signature.ts';
import { plainCacheKeys } from '../../src/contracts/cache-keys.ts';
import type { ModelAnswer } from '../../src/contracts/model-answer.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE, TRACEPARENT_HEADER } from '../../src/contracts/queues.ts';
import { readChatRequest } from '../../src/contracts/read-chat-request.ts';
import { continueTrace, traceIdOf } from '../../src/contracts/traceparent.ts';
import { answerSignaturesOf } from '../../src/main/answer-signatures.ts';
import { createLogger } from '../../src/observability/log.ts';
import { createWorkerMetrics } from '../../src/observability/metrics.ts';
import { createModelReports } from '../../src/observability/model-reports.ts';
import { completed } from '../../src/workflows/chat/terminal-response.ts';
import { workerConfig as config, instantProvider } from '../contenders/worker-settings.ts';

// Shows the cost of taking each message through the steps by itself, as the pipeline does. This process reads, writes
// and measures everything that the pipeline does for a question that is not in the cache, with the same scripts. But
// each step is a loop over all messages that have reached it. It handles no other case: a waiting job, a cached answer,
// a question that is already being asked, a cancellation, a failure or a retry ends the process.

interface Task {
  id: string;
  job: NewJob;
  hash: string;
  steps: StepRecord[];
  startedAt: number;
  stepStartedAt: number;
  answer?: ModelAnswer;
  result?: string;
}

const ATTEMPT = 1;
const LEASE_MS = 10_000;
const MAX_BATCH = 200;
const COMPLETE_WITHIN_MS = 10;

const logger = createLogger('worker', config.logLevel);
const metrics = createWorkerMetrics();
const signatures = answerSignaturesOf(config);
const redis = connectRedis({ url: config.redisUrl, name: 'benchmark', logger });
const queue = openChatQueue(redis);
const cache = createAnswerCache({
  redis,
  keys: plainCacheKeys,
  keepLast: true,
  ttlMs: config.cacheTtlMs,
  maxEntryBytes: config.cacheMaxEntryBytes,
});
const model = createConfiguredModel(config, {
  createProvider: instantProvider,
  redis,
  subscriber: connectToOneServer({ url: config.redisUrl, name: 'benchmark (subscribe)', logger }),
  keyOf: () => '',
  onCall: createModelReports(metrics, logger).onCall,
  onBreaker: () => {},
});
const [consuming, publishing] = await Promise.all(
  ['consuming', 'publishing'].map((name) => connectRabbitMq({ url: config.rabbitmqUrl, name, logger })),
);
const channel = await new Promise<ConfirmChannel>((resolve) =>
  publishing!.onConnected((connected) => resolve(connected.createConfirmChannel())),
);

/** Passes on what arrived while the last batch was handled. */
function step(run: (tasks: Task[]) => Promise<void>, gatherMs = 0): (task: Task) => void {
  let waiting: Task[] = [];
  let underWay = false;
  const runAll = async () => {
    while (waiting.length > 0) {
      if (gatherMs > 0 && waiting.length < MAX_BATCH) await sleep(gatherMs);
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      await run(batch);
    }
    underWay = false;
  };
  return (task) => {
    waiting.push(task);
    if (underWay) return;
    underWay = true;
    setImmediate(runAll);
  };
}

function record(task: Task, name: string, now: number): void {
  const ms = Math.round((now - task.stepStartedAt) * 10) / 10;
  task.steps.push({ step: name, attempt: ATTEMPT, ms });
  task.stepStartedAt = now;
  metrics.stepDuration.observe({ step: name, result: 'ok' }, ms / 1000, traceIdOf(task.job.traceparent));
}

async function begin(deliveries: readonly Delivery[]): Promise<void> {
  const jobs = deliveries.map((delivery) => ({
    request: readChatRequest(delivery),
    ...continueTrace(delivery.properties.headers?.[TRACEPARENT_HEADER]),
    receivedAt: new Date().toISOString(),
  }));
  const questions = await Promise.all(
    jobs.map(async ({ request }) => ({
      hash: (await cache.questionOf(model.parametersOf(request), request.userId))!.hash,
      requestId: request.requestId,
    })),
  );
  const stepStartedAt = performance.now();
  const [{ started }, found] = await Promise.all([
    addJobs(queue, redis, jobs, { attempts: config.jobAttempts, room: jobs.length }),
    Promise.all(lookUpAnswers(redis, questions, LEASE_MS)),
  ]);
  if (started.length < jobs.length || found.some((value) => value !== 'claimed')) throw new Error('not the usual way');
  metrics.requestsReceived.inc(jobs.length);
  metrics.requestsInFlight.inc(jobs.length);
  metrics.cacheLookups.inc({ result: 'miss' }, jobs.length);
  const startedAt = Date.now();
  const now = performance.now();
  for (const { place, jobId } of started) {
    const job = jobs[place]!;
    const task: Task = { id: jobId, job, hash: questions[place]!.hash, steps: [], startedAt, stepStartedAt };
    record(task, 'check-cache', now);
    void model.ask(job.request, new AbortController().signal, ATTEMPT).then((answer) => {
      task.answer = answer;
      keep(task);
    });
  }
}

const keep = step(async (tasks) => {
  const askedAt = performance.now();
  const ttlMs = config.cacheTtlMs;
  const kept = tasks.map((task) => {
    record(task, 'ask-model', askedAt);
    const { response, model, provider } = task.answer!;
    const { requestId, sessionId } = task.job.request;
    const entry = { text: JSON.stringify({ response, model, provider }), ttlMs };
    const state = { step: 'ask-model', attempt: ATTEMPT, crashes: 0, steps: task.steps };
    return {
      key: queue.toKey(task.id),
      attemptsStarted: ATTEMPT,
      progress: JSON.stringify({ ...state, results: { 'ask-model': { answer: task.answer, modelMs: 0 } } }),
      landing: { question: { hash: task.hash, requestId }, entry, last: { sessionId, ...entry } },
    };
  });
  await Promise.all([
    saveJobs(redis, kept),
    ...landAnswers(
      redis,
      kept.map(({ landing }) => landing),
    ),
  ]);
  const keptAt = performance.now();
  for (const task of tasks) {
    record(task, 'write-cache', keptAt);
    publish(task);
  }
});

function publish(task: Task): void {
  const { job, startedAt } = task;
  const response = completed(job, { answer: task.answer!, modelMs: 0 }, { number: ATTEMPT, startedAt });
  const { status, model, provider, cached, usage, attempts, timings } = response;
  const { body, properties } = encode(response, job);
  const headers = { ...properties.headers, [SIGNATURE_HEADER]: signatures?.sign(body) };
  channel.publish('', RESPONSES_QUEUE, body, { ...properties, headers, persistent: true, mandatory: true }, (error) => {
    if (error) throw error;
    record(task, 'publish', performance.now());
    metrics.requestsFinished.inc({ status, code: '' });
    task.result = JSON.stringify({ status, model, provider, cached, usage, attempts, timings, steps: task.steps });
    complete(task);
  });
}

const complete = step(async (tasks) => {
  const completions = tasks.map(({ id, result }) => ({
    ...{ jobId: id, attemptsStarted: ATTEMPT, attemptsMade: ATTEMPT, locked: false, returnValue: result! },
  }));
  const kept = { kept: config.completedJobsKept, keepsText: false, rememberMs: config.redeliveryWindowMs };
  await settleJobs(redis, (type) => queue.toKey(type), completions, { now: Date.now(), ...kept, room: 0 });
  metrics.requestsInFlight.dec(tasks.length);
}, COMPLETE_WITHIN_MS);

createBatchConsumer({
  connection: consuming!,
  queue: REQUESTS_QUEUE,
  prefetch: config.bridgePrefetch,
  read: (delivery) => delivery,
  handle: async (deliveries: Delivery[]) => {
    await begin(deliveries);
    return undefined;
  },
  deadLetter: async (_, reason) => {
    throw new Error(reason);
  },
  giveBack: async () => {
    throw new Error('of a newer version');
  },
  logger,
}).start();
