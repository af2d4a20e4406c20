import { randomUUID } from 'node:crypto';
import { createAnswerCache } from '../adapters/answers/answer-cache.ts';
import { countJobs, openChatQueue, promoteJobs } from '../adapters/jobs/job-queue.ts';
import { createJobRunner } from '../adapters/jobs/runner/job-runner.ts';
import { tidyFinishedJobs } from '../adapters/jobs/tidy-finished-jobs.ts';
import type { CreateProvider } from '../adapters/model/configured-model.ts';
import { createConfiguredModel } from '../adapters/model/configured-model.ts';
import { countUncertainSpend } from '../adapters/model/uncertain-spend.ts';
import { responsePublisher } from '../adapters/rabbitmq/chat-messages.ts';
import { createDeadLetter } from '../adapters/rabbitmq/dead-letters.ts';
import { createPublisher } from '../adapters/rabbitmq/publisher.ts';
import { createQueueDepths } from '../adapters/rabbitmq/queue-depths.ts';
import { createReplyPublisher } from '../adapters/rabbitmq/reply-publisher.ts';
import { connectRedis, mustAnswer } from '../adapters/redis/connect-redis.ts';
import { createIntake } from '../bridge/intake.ts';
import type { WorkerConfig } from '../config/settings.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../contracts/queues.ts';
import { nameMatcher } from '../contracts/reply-address.ts';
import type { HealthChecks } from '../observability/health.ts';
import { startHealthServer } from '../observability/health-server.ts';
import type { Logger } from '../observability/log.ts';
import { createWorkerMetrics, measureQueues } from '../observability/metrics.ts';
import { startMetricsServer } from '../observability/metrics-server.ts';
import { createModelReports } from '../observability/model-reports.ts';
import type { EarlyLookUp } from '../workflows/chat/early-look-up.ts';
import { startChatWorker } from '../workflows/chat-worker.ts';
import { backoffMs } from '../workflows/engine/retry-policy.ts';
import { answerSignaturesOf } from './answer-signatures.ts';
import { brokerAddressOf } from './broker-address.ts';
import { connectToBroker, mustBeConnected } from './broker-connections.ts';
import { checkDurability } from './durability.ts';
import { admitToRedis } from './installation.ts';
import { nameMissingRedisRights } from './redis-rights.ts';
import { version } from './version.ts';

const CACHE_TIMEOUT_MS = 1_000;
/** A call of the model waits no longer than this for the state that workers share. */
const GATE_TIMEOUT_MS = 1_000;
const SCRAPE_TIMEOUT_MS = 1_000;
/** It says nothing while it waits for the disk, for 10 s at most. */
const FSYNC_SILENCE_MS = 12_000;

/**
 * Starts the bridge and the workflows: all that a worker process is.
 * @param options.createProvider what answers in a provider's place; left out, the provider itself
 */
export async function startWorker(
  config: WorkerConfig,
  options: { logger: Logger; createProvider?: CreateProvider },
): Promise<{ stop(): Promise<void> }> {
  const { logger, createProvider } = options;
  const metrics = createWorkerMetrics();
  const name = `healify-chat worker ${randomUUID().slice(0, 8)}`;

  const { consuming, publishing } = await connectToBroker({
    address: brokerAddressOf(config),
    name,
    process: 'worker',
    logger,
    connectionUp: metrics.connectionUp,
  });
  const connectTo = (url: string, purpose: string, more: { commandTimeoutMs?: number; silentAfterMs?: number } = {}) =>
    connectRedis({
      ...{ url, ca: config.redisCaFile, logger, namespace: config.namespace, ...more },
      name: purpose === 'redis' ? name : `${name} (${purpose.replace('redis-', '')})`,
      onUp: (up) => metrics.connectionUp.set({ server: purpose }, up ? 1 : 0),
    });
  const jobsRedis = connectTo(config.redisUrl, 'redis');
  checkDurability({
    redis: jobsRedis,
    required: config.requireDurableRedis,
    needsWaitAof: config.ackAfterFsync,
    logger,
  });
  nameMissingRedisRights({ redis: jobsRedis, process: 'worker', logger });
  const admitted = admitToRedis({ ...config, redis: jobsRedis, logger });
  // A cache of its own may be away without any harm; without the jobs' Redis there is nothing to look answers up for.
  const cacheRedis = config.cacheRedisUrl
    ? connectTo(config.cacheRedisUrl, 'redis-cache', { commandTimeoutMs: CACHE_TIMEOUT_MS })
    : jobsRedis;

  const queue = openChatQueue(jobsRedis);
  const publisher = createPublisher({ connection: publishing, timeoutMs: config.publishTimeoutMs, logger });
  const replies = createReplyPublisher({
    connection: publishing,
    publisher,
    onDeadLetter: (reason) => metrics.deadLetters.inc({ queue: RESPONSES_QUEUE, reason }),
  });
  const depths = createQueueDepths({ connection: consuming, logger });
  measureQueues(metrics.registry, { brokerQueues: depths.read, jobs: () => countJobs(queue, SCRAPE_TIMEOUT_MS) });

  const subscriber = connectTo(config.redisUrl, 'redis-subscribe');
  const gateRedis = connectTo(config.redisUrl, 'redis-breaker', { commandTimeoutMs: GATE_TIMEOUT_MS });
  const model = createConfiguredModel(config, {
    createProvider,
    redis: gateRedis,
    subscriber,
    keyOf: (variable) => process.env[variable]!,
    ...createModelReports(metrics, logger),
  });
  if (model.simulated) logger.warn('there is no OPENAI_API_KEY: the model simulator answers');

  const cache = createAnswerCache({
    redis: cacheRedis,
    scope: config.cacheScope,
    ttlMs: config.cacheTtlMs,
    maxEntryBytes: config.cacheMaxEntryBytes,
  });
  // Waiting for the disk blocks a connection: answers, locks and the cache must not wait behind it.
  const fsyncRedis = config.ackAfterFsync
    ? connectTo(config.redisUrl, 'redis-add', { silentAfterMs: FSYNC_SILENCE_MS })
    : undefined;
  const jobs = createJobRunner<EarlyLookUp>({
    ...config,
    queue,
    redis: jobsRedis,
    fsyncRedis,
    concurrency: config.workerConcurrency,
    attempts: config.jobAttempts,
    backoffMs: (attemptsMade) => backoffMs(attemptsMade, { baseMs: config.retryBaseMs, maxMs: config.retryMaxMs }),
    logger,
  });
  const tidying = tidyFinishedJobs({ ...config, redis: jobsRedis, toKey: (type) => queue.toKey(type), logger });
  const beginWork = () =>
    startChatWorker({
      jobs,
      subscriber,
      maxCrashes: config.maxCrashes,
      workflow: {
        model,
        cache,
        settings: config,
        wake: (requestIds) => promoteJobs(queue, jobsRedis, requestIds),
        onUncertainSpend: (why) => {
          metrics.uncertainSpend.inc({ why });
          countUncertainSpend(jobsRedis, why).catch((error) =>
            logger.warn({ why, err: error }, 'uncertain spend not counted'),
          );
        },
        publish: responsePublisher(publisher, answerSignaturesOf(config), replies.publish),
        keepReply: replies.keep,
        onCacheLookup: (result) => metrics.cacheLookups.inc({ result }),
      },
      events: {
        onStarted: () => metrics.requestsInFlight.inc(),
        onStep: (step, result, ms) => metrics.stepDuration.observe({ step, result }, ms / 1000),
        onRetry: (code) => metrics.retries.inc({ code }),
        onFinished: (status, code) => metrics.requestsFinished.inc({ status, code }),
        onReleased: () => metrics.requestsInFlight.dec(),
      },
      logger,
    });

  const intake = createIntake({
    connection: consuming,
    queue,
    addJobs: jobs.add,
    deadLetter: createDeadLetter({
      queue: REQUESTS_QUEUE,
      publisher,
      logger,
      onDeadLetter: (reason) => metrics.deadLetters.inc({ queue: REQUESTS_QUEUE, reason }),
    }),
    replyAllowed: nameMatcher(config.replyQueues),
    prefetch: config.bridgePrefetch,
    highWater: config.bridgeHighWater,
    onReceived: (count) => metrics.requestsReceived.inc(count),
    onPaused: (paused) => metrics.intakePaused.set(paused ? 1 : 0),
    logger,
  });
  // Before it is known whose Redis this is, nothing is taken from it or put into it.
  let chatWorker: ReturnType<typeof startChatWorker> | undefined;
  let stopping = false;
  void admitted.then(async () => {
    await tidying.start();
    if (stopping) return;
    chatWorker = beginWork();
    intake.start();
  });

  const checks: HealthChecks = {
    rabbitmq: async () => mustBeConnected({ consuming, publishing, publisher }),
    redis: async () => {
      await admitted;
      await mustAnswer(jobsRedis);
    },
  };
  const listenOn = { host: config.host, registry: metrics.registry };
  const healthServer = await startHealthServer({ ...listenOn, port: config.workerPort, checks, version });
  const metricsServer = await startMetricsServer({ ...listenOn, port: config.workerMetricsPort });
  logger.info({ port: healthServer.port, metricsPort: metricsServer.port }, 'worker started');

  return {
    stop: async () => {
      stopping = true;
      await intake.stop();
      await chatWorker?.stop(config.shutdownGraceMs);
      tidying.stop();
      cache.close();
      model.close();
      await Promise.all([publisher.close(), depths.close()]);
      await Promise.all([consuming.close(), publishing.close(), queue.close()]);
      for (const redis of [jobsRedis, fsyncRedis, cacheRedis, gateRedis, subscriber]) redis?.disconnect();
      await Promise.all([healthServer.stop(), metricsServer.stop()]);
    },
  };
}
