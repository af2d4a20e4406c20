import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { createRedisLogKeeper } from '../adapters/answer-log/redis-log-keeper.ts';
import { createRedisLogReader } from '../adapters/answer-log/redis-log-reader.ts';
import { createRedisSettledNotices } from '../adapters/conversations/redis-settled-notices.ts';
import { addToSettledCount } from '../adapters/conversations/settled-count.ts';
import { createRedisIdempotencyKeys } from '../adapters/idempotency-keys/redis-idempotency-keys.ts';
import { cancelRequests } from '../adapters/jobs/cancel-requests.ts';
import { createIntakeAdmin } from '../adapters/jobs/intake-pause.ts';
import { lookAtJobs, placesInLine, type UsersRequest } from '../adapters/jobs/place-in-line.ts';
import { createRetryRunAdmin } from '../adapters/jobs/retry-runs/retry-run-admin.ts';
import { createRetryRunDriver } from '../adapters/jobs/retry-runs/retry-run-driver.ts';
import { createJobAdmin } from '../adapters/jobs/search/job-admin.ts';
import { createSmtpOutbox } from '../adapters/mail/smtp-outbox.ts';
import { areAllShut, createGateAdmin } from '../adapters/model/gate-admin.ts';
import { mustAnswer as mongoDbMustAnswer } from '../adapters/mongodb/connect-mongodb.ts';
import { createHeartbeat } from '../adapters/processes/heartbeat.ts';
import { areAllSilent, listProcesses } from '../adapters/processes/list-processes.ts';
import { requestPublisher } from '../adapters/rabbitmq/chat-messages.ts';
import { createDeadLetter } from '../adapters/rabbitmq/dead-letters.ts';
import { createGiveBack } from '../adapters/rabbitmq/newer-messages.ts';
import { createRedisRateLimit } from '../adapters/rate-limits/redis-rate-limit.ts';
import { mustAnswer } from '../adapters/redis/connect-redis.ts';
import { createEraseUserRouter } from '../api/admin/erase-user.ts';
import { createApp } from '../api/app.ts';
import { acceptQuestion, type NewQuestion } from '../api/chat/accept-question.ts';
import { createAnswerWaiter } from '../api/chat/answer-waiter.ts';
import { createLine, type Line } from '../api/chat/line/line.ts';
import { createLookAtLine } from '../api/chat/line/look-at-line.ts';
import { createLostTurns } from '../api/chat/lost-turns.ts';
import { createOnSettled } from '../api/chat/on-settled.ts';
import { createRounds } from '../api/chat/rounds.ts';
import { createChatRouter } from '../api/chat/routes.ts';
import { createResponseSettler } from '../api/chat/settle-responses.ts';
import { createProveIdentity } from '../api/erasure/prove-identity.ts';
import { createErasureRouter } from '../api/erasure/routes.ts';
import { createPagesRouter } from '../api/pages/routes.ts';
import { byAddress, byUser, limitRoute } from '../api/rate-limit.ts';
import { refuseUntil } from '../api/refuse-until.ts';
import { allowedModelsOf } from '../config/allowed-models.ts';
import { loadApiConfig } from '../config/load.ts';
import { settingsFingerprint } from '../config/settings-fingerprint.ts';
import { RESPONSES_QUEUE } from '../contracts/queues.ts';
import { createFeedbackReport } from '../observability/feedback-report.ts';
import { createHealthRouter } from '../observability/health.ts';
import { listen } from '../observability/http-server.ts';
import { judgeProcesses } from '../observability/judge-processes.ts';
import { createLogger } from '../observability/log.ts';
import { createApiMetrics, measureLine, measureProcesses } from '../observability/metrics.ts';
import { startMetricsServer } from '../observability/metrics-server.ts';
import { measureOldestQuestion, measureQueues, measureStandingLetters } from '../observability/queue-metrics.ts';
import { pausedQueues } from '../observability/queues-seen.ts';
import { openTerminal } from '../observability/terminal.ts';
import { startTracing } from '../observability/traces/start-tracing.ts';
import { answerSignaturesOf } from './answer-signatures.ts';
import { createAdminParts } from './api/admin.ts';
import { createApiAuditTrail } from './api/audit-trail.ts';
import { createAuthenticationParts } from './api/authentication.ts';
import { createMeParts } from './api/me.ts';
import { createOverviewParts } from './api/overview.ts';
import { readPages } from './api/pages.ts';
import { createRealtimeParts } from './api/realtime.ts';
import { createRetentionParts } from './api/retention.ts';
import { connectServers } from './api/servers.ts';
import { createLastingStores } from './api/stores.ts';
import { brokerAddressOf } from './broker-address.ts';
import { refuseOtherBullMq } from './bullmq-version.ts';
import { showCertificateExpiry } from './certificate-expiry.ts';
import { createEncryption } from './encryption.ts';
import { createErasers } from './erasure/erasers.ts';
import { virtualHostOf } from './installation.ts';
import { mustTakeWrites } from './must-take-writes.ts';
import { logEverything, readConfig, stopOnSignal } from './process.ts';
import { serverTlsOf } from './server-tls.ts';
import {
  createSharedLettersLook,
  createSharedMembersLook,
  createSharedOldestTurnLook,
  createSharedQueuesLook,
} from './shared-looks.ts';
import { version } from './version.ts';

const config = readConfig(loadApiConfig);
const logger = createLogger('api', config.logLevel, await openTerminal());
logEverything(logger);
refuseOtherBullMq(logger);
const metrics = createApiMetrics();
const tracing = await startTracing(config, { process: 'api', version, logger });
const tracer = tracing?.tracer;
const replica = randomUUID();

// Connections
const name = `healify-chat api ${replica.slice(0, 8)}`;
const servers = await connectServers({ config, name, metrics, logger });
const { consuming, publisher, depths, redis, safeWrites, subscriber, cacheRedis, mongoDb, shards } = servers;
const lookAtQueues = createSharedQueuesLook(servers);
measureQueues(metrics.registry, lookAtQueues);
const oldestQuestionAgeMs = createSharedOldestTurnLook(servers);
measureOldestQuestion(metrics.registry, oldestQuestionAgeMs);
const lookAtLetters = createSharedLettersLook({ ...servers, broker: brokerAddressOf(config) });
measureStandingLetters(metrics.registry, { read: lookAtLetters, retentionMs: config.deadLetterRetentionMs });
const lookAtMembers = createSharedMembersLook({
  ...servers,
  managementUrl: config.rabbitmqManagementUrl,
  virtualHost: virtualHostOf(config.rabbitmqUrl),
});
const heartbeat = createHeartbeat({
  redis,
  process: { id: replica, role: 'api', version, settings: settingsFingerprint(config) },
  logger,
});
const intake = createIntakeAdmin(redis);
const judgedProcesses = async () => {
  const [processes, { since }, seen] = await Promise.all([listProcesses(redis), intake.read(), lookAtQueues()]);
  const { isWorkedOn } = line;
  const paused = (seen && pausedQueues(seen)) ?? [];
  return judgeProcesses(processes, { intakePausedSince: since, pausedQueues: paused, isWorkedOn });
};
measureProcesses(metrics.registry, () => listProcesses(redis));

// Stores
const encryption = createEncryption({ config, redis, safeWrites, subscriber, db: mongoDb?.db, logger });
const stores = createLastingStores({ config, redis, safeWrites, seals: encryption.seals, db: mongoDb?.db, replica });
const { conversations, feedback } = stores;
const audit = createApiAuditTrail({ config, redis, store: stores.audit, metrics, logger });
const retention = createRetentionParts({
  ...{ config, redis, shards, db: mongoDb?.db, broker: brokerAddressOf(config), lookAtLetters, metrics, logger },
  audit: { trail: audit.trail, store: stores.audit },
});
const idempotencyKeys = createRedisIdempotencyKeys({ redis, ttlMs: config.idempotencyTtlMs });
const logs = createRedisLogKeeper({ redis, seals: encryption.seals, ttlMs: config.answerLogTtlMs });
const gates = createGateAdmin(redis);
const placesOf = (requests: readonly UsersRequest[]) =>
  placesInLine(
    shards,
    redis,
    requests.map(({ requestId, userId }) => ({ requestId, shard: shards.of(userId) })),
  );
const cancel = async (userId: string, requestIds: string[]) => {
  const stop = () => cancelRequests(shards.of(userId), safeWrites?.redis ?? redis, requestIds);
  await (safeWrites ? safeWrites.make(stop) : stop());
};

// Parts
const outbox = config.smtpUrl ? createSmtpOutbox({ url: config.smtpUrl, from: config.mailFrom, logger }) : undefined;
const authentication = createAuthenticationParts({
  outbox,
  config,
  redis,
  subscriber,
  stores,
  trail: audit.trail,
  seals: encryption.seals,
  logger,
});
const { endedLogins, requireAdmin, accounts, tickets, redeemTicket } = authentication;
const answerWaiter = createAnswerWaiter({
  notices: createRedisSettledNotices({ subscriber, replica }),
  onSettled: (requestId) => line.ended(requestId),
});
const line: Line = createLine({
  look: createLookAtLine({
    depths,
    lookAtJobs: () => lookAtJobs(shards, redis),
    areWorkersSilent: async () => areAllSilent(await listProcesses(redis), 'worker'),
    isModelShut: () => areAllShut(gates),
    addToSettledCount: (newlySettled) => addToSettledCount(redis, newlySettled),
  }),
  placesOf,
  requestDeadlineMs: config.requestDeadlineMs,
  shedAbove: config.shedAbove,
  onLook: measureLine(metrics),
});
const {
  sessionEraser: eraser,
  dataEraser,
  dataExporter,
} = createErasers({
  ...{ config, stores, logs, shards, redis, cacheRedis, encryption, logger, trail: audit.trail },
  db: mongoDb?.db,
  endLogin: endedLogins.end,
});
const endLostTurns = createLostTurns({
  conversations,
  logs,
  placesOf,
  queueDepths: depths.read,
  requestDeadlineMs: config.requestDeadlineMs,
  graceMs: config.deadlineGraceMs,
  answerWaiter,
  onLost: () => metrics.turnsLost.inc(),
  logger,
});
const rounds = createRounds({
  tasks: { endLostTurns, finishErasures: eraser.finish },
  deadlineGraceMs: config.deadlineGraceMs,
  logger,
});
// An erasure may take long, and lost questions do not wait for it.
const erasureRounds = createRounds({
  tasks: { finishErasures: dataEraser.finish },
  deadlineGraceMs: config.deadlineGraceMs,
  logger,
});
const settler = createResponseSettler({
  connection: consuming,
  conversations,
  signatures: answerSignaturesOf(config),
  acceptUnsigned: config.acceptUnsignedAnswers,
  seals: encryption.seals,
  unknownSession: config.unknownSessionAnswers,
  deadLetter: createDeadLetter({
    queue: RESPONSES_QUEUE,
    publisher,
    bodies: encryption.bodies,
    logger,
    onDeadLetter: (reason) => metrics.deadLetters.inc({ queue: RESPONSES_QUEUE, reason }),
  }),
  giveBack: createGiveBack({
    queue: RESPONSES_QUEUE,
    publisher,
    onGivenBack: () => metrics.newerMessages.inc({ queue: RESPONSES_QUEUE }),
  }),
  prefetch: config.responsesPrefetch,
  onSettled: createOnSettled({ answerWaiter, line, eraser, metrics, logger }),
  tracer,
  logger,
});

// Routes. Until we know that this Redis is ours, and which logins have ended, nothing is read from it or written to it.
const ready = servers.admitted.then(encryption.admit).then(() => endedLogins.start());
const onceReady = refuseUntil(ready, 'It is not yet known whose Redis this is, or which logins have ended.');
const redisMustServe = async () => {
  await mustAnswer(redis);
  mustTakeWrites(heartbeat, safeWrites);
};
const checks = {
  rabbitmq: servers.brokerMustServe,
  redis: redisMustServe,
  ...(mongoDb && { mongodb: () => mongoDbMustAnswer(mongoDb.db) }),
};
const jobAdmin = createJobAdmin(shards, redis);
const retryRuns = createRetryRunAdmin(shards, redis);
const retryRunDriver = createRetryRunDriver({ shards, redis, logger });
const overview = createOverviewParts({
  redis,
  jobs: jobAdmin,
  retryRuns,
  gates,
  intake,
  line: () => line,
  checks: { ...checks, ...(cacheRedis !== redis && { 'redis-cache': () => mustAnswer(cacheRedis) }) },
  lookAtQueues,
  lookAtLetters,
  lookAtMembers,
  mongoDbMembers: mongoDb?.members,
  oldestQuestionAgeMs,
  judgedProcesses,
  deadLetterRetentionMs: config.deadLetterRetentionMs,
  logger,
});
const admin = createAdminParts({
  config,
  bodies: encryption.bodies,
  seals: encryption.seals,
  shards,
  redis,
  gates,
  intake,
  jobs: jobAdmin,
  retryRuns,
  overview,
  depths,
  feedback,
  judgedProcesses,
  login: authentication.login,
  accountAdmin: authentication.accountAdmin,
  accounts: config.jwtJwksUrl ? undefined : stores.accounts,
  invites: authentication.invites,
  trail: audit.trail,
  textAccess: authentication.textAccess,
  conversations,
  onEmergency: () => metrics.emergencies.inc(),
  retention: retention.router(requireAdmin),
  eraseUser: createEraseUserRouter({
    eraser: dataEraser,
    accounts: config.jwtJwksUrl ? undefined : stores.accounts,
    stepDown: authentication.accountAdmin?.stepDown,
    trail: audit.trail,
    requireAdmin,
  }),
  requireAdmin,
  adminCookie: authentication.adminCookie,
  logger,
});
const acceptOptions = {
  conversations,
  logs,
  publishRequest: requestPublisher(publisher, encryption.seals, tracer),
  assertBrokerReady: publisher.assertReady,
  requestDeadlineMs: config.requestDeadlineMs,
  contextMaxTokens: config.contextMaxTokens,
  onAccepted: () => metrics.requestsAccepted.inc(),
};
const logReader = createRedisLogReader({ redis, subscriber, seals: encryption.seals });
const sendLimit = createRedisRateLimit({ redis, name: 'send', perMinute: config.rateSendPerMinute });
const readLimit = createRedisRateLimit({ redis, name: 'read', perMinute: config.rateReadPerMinute });
const answerOptions = {
  conversations,
  cancelRequests: cancel,
  logs,
  accept: (question: NewQuestion) => acceptQuestion(acceptOptions, question),
  idempotencyKeys,
  newRequestId: shards.newRequestId,
  answerWaiter,
  logReader,
  line,
  mayAsk: authentication.mayAsk,
  allowedModels: allowedModelsOf(config),
};
const { authenticate, identify } = authentication;
const realtime = createRealtimeParts({
  ...answerOptions,
  ...{
    sendLimit,
    readLimit,
    authenticate,
    identify,
    redeemTicket,
    tickets,
    endedLogins,
    ready,
    config,
    metrics,
    logger,
  },
});
const { streams, sockets } = realtime;
const chat = createChatRouter({
  ...answerOptions,
  authenticate,
  limitSend: limitRoute(sendLimit, byUser),
  limitRead: limitRoute(readLimit, byUser),
  feedback,
  onRated: createFeedbackReport(metrics),
  eraser,
  trail: audit.trail,
  streams,
  maxWaitMs: config.maxWaitMs,
  ...createMeParts(config, stores.accounts),
});
const erasures = createErasureRouter({
  eraser: dataEraser,
  exporter: dataExporter,
  trail: audit.trail,
  proveIdentity: createProveIdentity({
    accounts: config.jwtJwksUrl ? undefined : stores.accounts,
    ...authentication.password,
  }),
  stepDown: authentication.accountAdmin?.stepDown,
  authenticate,
  limitUser: limitRoute(readLimit, byUser),
  limitExport: limitRoute(
    createRedisRateLimit({ redis, name: 'export', perMinute: config.rateExportPerMinute }),
    byUser,
  ),
  limitAddress: limitRoute(
    createRedisRateLimit({ redis, name: 'receipt', perMinute: config.rateReadPerMinute }),
    byAddress,
  ),
});
const app = createApp({
  version,
  trustProxy: config.trustProxy,
  basePath: config.basePath,
  corsOrigins: config.corsOrigins,
  health: createHealthRouter({
    version,
    checks,
    started: ready,
    listProcesses: () => ready.then(judgedProcesses),
  }),
  pages: createPagesRouter(readPages(logger)),
  admin: onceReady(admin),
  accounts: accounts && onceReady(accounts),
  backChannel: authentication.backChannel && onceReady(authentication.backChannel),
  chat: onceReady(Router().use(chat, realtime.router, erasures)),
  metrics,
  tracer,
  logger,
});

// Start
let stopping = false;
void ready.then(() => {
  if (stopping) return;
  heartbeat.start();
  settler.start();
  line.start();
  overview.recorder.start();
  retryRunDriver.start();
  rounds.start();
  erasureRounds.start();
  audit.start();
  retention.sweeper.start();
});
showCertificateExpiry(config, metrics.certificateExpiry);
const tls = serverTlsOf(config);
const server = await listen(app, { host: config.host, port: config.apiPort, tls, upgrades: sockets });
const metricsServer = await startMetricsServer({
  host: config.metricsHost,
  port: config.apiMetricsPort,
  tls,
  registry: metrics.registry,
  token: config.metricsToken ?? config.metricsTokenFile,
});
logger.info({ port: server.port, metricsPort: metricsServer.port }, 'api started');

// Stop
stopOnSignal({
  logger,
  graceMs: config.shutdownGraceMs,
  stop: async () => {
    stopping = true;
    // Before the waiting ends, so that readers are told to connect again.
    streams.stop();
    await sockets.stop();
    logReader.stop();
    // Clients that wait for an answer are told where to ask for it.
    answerWaiter.stop();
    endedLogins.stop();
    outbox?.stop();
    line.stop();
    overview.recorder.stop();
    retryRunDriver.stop();
    rounds.stop();
    erasureRounds.stop();
    await server.stop(config.shutdownGraceMs);
    await settler.stop();
    await heartbeat.stop();
    await retention.sweeper.stop();
    await audit.stop();
    await servers.close();
    await metricsServer.stop();
    await tracing?.stop();
  },
});
