import { randomUUID } from 'node:crypto';
import { createRedisLogWriter } from '../adapters/answer-log/redis-log-writer.ts';
import { createAnswerCache } from '../adapters/answers/answer-cache.ts';
import { createAnswersOfUser } from '../adapters/answers/answers-of-user.ts';
import { createRecordedCalls } from '../adapters/answers/recorded-calls.ts';
import { createJobsAwaitingModel } from '../adapters/jobs/awaiting-model.ts';
import { watchIntakePause } from '../adapters/jobs/intake-pause.ts';
import { countWaiting, promoteJobs } from '../adapters/jobs/job-queue.ts';
import { createUsersJobs } from '../adapters/jobs/jobs-of-user.ts';
import { rememberEarlierJobs } from '../adapters/jobs/remember-earlier-jobs.ts';
import { createJobRunner } from '../adapters/jobs/runner/job-runner.ts';
import { logMissingJobs } from '../adapters/jobs/search/log-missing-jobs.ts';
import type { CreateProvider } from '../adapters/model/configured-model.ts';
import { createConfiguredModel } from '../adapters/model/configured-model.ts';
import { countSentTexts } from '../adapters/model/sent-texts.ts';
import { countUncertainSpend } from '../adapters/model/uncertain-spend.ts';
import { mustAnswer as mongoDbMustAnswer } from '../adapters/mongodb/connect-mongodb.ts';
import { createHeartbeat } from '../adapters/processes/heartbeat.ts';
import { responsePublisher } from '../adapters/rabbitmq/chat-messages.ts';
import { createDeadLetter } from '../adapters/rabbitmq/dead-letters.ts';
import { createGiveBack } from '../adapters/rabbitmq/newer-messages.ts';
import { createReplyPublisher } from '../adapters/rabbitmq/reply-publisher.ts';
import { createIntake } from '../bridge/intake.ts';
import { namedSecret } from '../config/setting-text.ts';
import type { WorkerConfig } from '../config/settings.ts';
import { settingsFingerprint } from '../config/settings-fingerprint.ts';
import { createPublisherCheck } from '../contracts/publishers.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../contracts/queues.ts';
import { nameMatcher } from '../contracts/reply-address.ts';
import type { Tracer } from '../contracts/tracer.ts';
import { boundedLabel } from '../observability/bounded-label.ts';
import { startHealthServer } from '../observability/health-server.ts';
import type { Logger } from '../observability/log.ts';
import { createWorkerMetrics } from '../observability/metrics.ts';
import { startMetricsServer } from '../observability/metrics-server.ts';
import { createModelReports } from '../observability/model-reports.ts';
import { measureQueues } from '../observability/queue-metrics.ts';
import type { EarlyLookUp } from '../workflows/chat/early-look-up.ts';
import { refuseRequests } from '../workflows/chat/refuse-requests.ts';
import { startChatWorker } from '../workflows/chat-worker.ts';
import { answerSignaturesOf } from './answer-signatures.ts';
import { showCertificateExpiry } from './certificate-expiry.ts';
import { createEncryption } from './encryption.ts';
import { mustTakeWrites } from './must-take-writes.ts';
import { serverTlsOf } from './server-tls.ts';
import { createSharedQueuesLook } from './shared-looks.ts';
import { version } from './version.ts';
import { connectServers } from './worker/servers.ts';

/**
 * Starts a worker process: the bridge and the workflows.
 * @param options.createProvider makes a replacement for the provider; left out: the provider itself
 */
export async function startWorker(
  config: WorkerConfig,
  options: { logger: Logger; createProvider?: CreateProvider; tracer?: Tracer | undefined },
): Promise<{ stop(): Promise<void> }> {
  const { logger, createProvider, tracer } = options;
  const metrics = createWorkerMetrics();
  const errorCode = boundedLabel();

  // Connections
  const id = randomUUID();
  const name = `healify-chat worker ${id.slice(0, 8)}`;
  const servers = await connectServers({ config, name, metrics, logger });
  const { consuming, publishing, publisher, redis, shards, subscriber, mongoDb } = servers;
  measureQueues(metrics.registry, createSharedQueuesLook(servers));

  const encryption = createEncryption({ ...servers, config, db: mongoDb?.db, logger });

  const heartbeat = createHeartbeat({
    redis: servers.gateRedis,
    process: { id, role: 'worker', version, settings: settingsFingerprint(config) },
    logger,
  });

  // Parts
  const replies = createReplyPublisher({
    connection: publishing,
    publisher,
    bodies: encryption.bodies,
    onDeadLetter: (reason) => metrics.deadLetters.inc({ queue: RESPONSES_QUEUE, reason }),
  });
  const publish = responsePublisher({
    ...{ publisher, plain: config.plainTextsForOthers, signatures: answerSignaturesOf(config), tracer },
    publishReply: replies.publish,
  });
  const awaitingModel = createJobsAwaitingModel({ redis, shards, askable: () => model.askable() });
  const reports = createModelReports(metrics, logger);
  const sentTexts = countSentTexts({ redis: servers.gateRedis, logger });
  const model = createConfiguredModel(config, {
    createProvider,
    tracer,
    redis: servers.gateRedis,
    subscriber,
    keyOf: (variable) => namedSecret(variable, process.env)!,
    ...reports,
    onCall: (target, call) => {
      sentTexts.count(target.provider, target.region);
      reports.onCall(target, call);
    },
    onBreaker: (target, change) => {
      reports.onBreaker(target, change);
      if (change.state === 'open') awaitingModel.gateOpened();
    },
  });
  if (model.simulated) logger.warn('there is no OPENAI_API_KEY: the model simulator answers');

  const { cacheKeys } = encryption;
  const keepLast = config.encryptionKeys.length === 0 || config.plainTextsForOthers;
  const cache = createAnswerCache({
    redis: servers.cacheRedis,
    keys: cacheKeys,
    keepLast,
    ttlMs: config.cacheTtlMs,
    maxEntryBytes: config.cacheMaxEntryBytes,
    onBytes: (operation, bytes) => metrics.cacheBytes.inc({ operation }, bytes),
  });
  const recordedCalls = createRecordedCalls({
    redis: servers.cacheRedis,
    keys: cacheKeys,
    scope: config.cacheScope,
    ttlMs: config.cacheTtlMs,
    maxEntryBytes: config.cacheMaxEntryBytes,
  });
  const answersOfUser = createAnswersOfUser({ redis: servers.cacheRedis, keepLast, ttlMs: config.cacheTtlMs });
  const jobs = createJobRunner<EarlyLookUp>({
    ...config,
    shards,
    redis,
    safeWrites: servers.safeWrites,
    seals: encryption.seals,
    concurrency: config.workerConcurrency,
    attempts: config.jobAttempts,
    refuse: (refused) => refuseRequests({ publish }, refused),
    logger,
  });
  const beginWork = () =>
    startChatWorker({
      jobs,
      subscriber,
      tracer,
      maxCrashes: config.maxCrashes,
      workflow: {
        model,
        cache,
        recordedCalls,
        answersOfUser,
        settings: config,
        logs: createRedisLogWriter({ redis, seals: encryption.seals, ttlMs: config.answerLogTtlMs }),
        wake: (requestIds) => promoteJobs(shards, redis, requestIds),
        awaitingModel,
        onUncertainSpend: (why) => {
          // The model's own reports count the other calls, each by its provider and model.
          if (why === 'crashed') metrics.uncertainSpend.inc({ why, provider: 'unknown', model: 'unknown' });
          countUncertainSpend(redis, why, logger);
        },
        publish,
        keepReply: replies.keep,
        onCacheLookup: (result) => metrics.cacheLookups.inc({ result }),
      },
      events: {
        onStarted: () => metrics.requestsInFlight.inc(),
        onStep: (step, result, ms, traceId) => metrics.stepDuration.observe({ step, result }, ms / 1000, traceId),
        onRetry: (code) => metrics.retries.inc({ code: errorCode(code) }),
        onFinished: (status, code) => metrics.requestsFinished.inc({ status, code }),
        onReleased: () => metrics.requestsInFlight.dec(),
      },
      logger,
    });

  const intake = createIntake({
    connection: consuming,
    countWaiting: () => countWaiting(shards),
    addJobs: jobs.add,
    deadLetter: createDeadLetter({
      queue: REQUESTS_QUEUE,
      publisher,
      bodies: encryption.bodies,
      logger,
      onDeadLetter: (reason) => metrics.deadLetters.inc({ queue: REQUESTS_QUEUE, reason }),
    }),
    giveBack: createGiveBack({
      queue: REQUESTS_QUEUE,
      publisher,
      onGivenBack: () => metrics.newerMessages.inc({ queue: REQUESTS_QUEUE }),
    }),
    replyAllowed: nameMatcher(config.replyQueues),
    checkPublishers: createPublisherCheck(config.publishers),
    seals: encryption.seals,
    isErased: createUsersJobs(shards, redis, encryption.seals).areRefused,
    prefetch: config.bridgePrefetch,
    highWater: config.bridgeHighWater,
    onReceived: (count) => metrics.requestsReceived.inc(count),
    onPaused: (paused) => metrics.intakePaused.set(paused ? 1 : 0),
    tracer,
    logger,
  });

  const intakePause = watchIntakePause({
    redis: servers.gateRedis,
    subscriber,
    onChange: ({ paused, since, by }) => {
      intake.setPaused(paused);
      if (paused) logger.warn({ since, by }, 'an operator has paused the intake: taking nothing from RabbitMQ');
      else logger.info('the intake is not paused');
    },
    logger,
  });

  // Start
  let chatWorker: ReturnType<typeof startChatWorker> | undefined;
  let stopping = false;
  const ready = servers.admitted.then(encryption.admit);
  void ready.then(async () => {
    await rememberEarlierJobs({ redis, shards, redeliveryWindowMs: config.redeliveryWindowMs, logger });
    if (stopping) return;
    chatWorker = beginWork();
    awaitingModel.start();
    heartbeat.start();
    await intakePause.start();
    if (stopping) return;
    intake.start();
    await logMissingJobs(shards, redis, config).catch((error) =>
      logger.warn(
        { err: error },
        'not all ended jobs can be searched for by user and session; tried again at the next start',
      ),
    );
  });

  showCertificateExpiry(config, metrics.certificateExpiry);
  const tls = serverTlsOf(config);
  const healthServer = await startHealthServer({
    host: config.host,
    port: config.workerPort,
    tls,
    checks: {
      rabbitmq: servers.brokerMustServe,
      redis: async () => {
        await servers.redisMustAnswer();
        mustTakeWrites(heartbeat, servers.safeWrites);
      },
      ...(mongoDb && { mongodb: () => mongoDbMustAnswer(mongoDb.db) }),
    },
    started: ready,
    version,
  });
  const metricsServer = await startMetricsServer({
    host: config.metricsHost,
    port: config.workerMetricsPort,
    tls,
    registry: metrics.registry,
    token: config.metricsToken ?? config.metricsTokenFile,
  });
  logger.info({ port: healthServer.port, metricsPort: metricsServer.port }, 'worker started');

  return {
    stop: async () => {
      stopping = true;
      intakePause.stop();
      awaitingModel.stop();
      await intake.stop();
      await chatWorker?.stop(config.shutdownGraceMs);
      await heartbeat.stop();
      await sentTexts.stop();
      cache.close();
      model.close();
      await servers.close();
      await Promise.all([healthServer.stop(), metricsServer.stop()]);
    },
  };
}
