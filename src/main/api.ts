import { randomBytes, randomUUID } from 'node:crypto';
import { Router } from 'express';
import { forgetAnswers } from '../adapters/answers/redis-scripts/forget-answers.ts';
import { createRedisConversationStore } from '../adapters/conversations/redis-conversation-store.ts';
import { createRedisIdempotencyKeys } from '../adapters/idempotency-keys/redis-idempotency-keys.ts';
import { cancelRequest } from '../adapters/jobs/cancellations.ts';
import { forgetJobs, openChatQueue, promoteAllJobs, promoteJobs, returnJobs } from '../adapters/jobs/job-queue.ts';
import { lookAtJobs, placesInLine } from '../adapters/jobs/place-in-line.ts';
import { createRedisAdminSessionStore } from '../adapters/logins/redis-admin-session-store.ts';
import { createRedisEndedLogins } from '../adapters/logins/redis-ended-logins.ts';
import { areAllShut, createGateAdmin } from '../adapters/model/gate-admin.ts';
import { createDispatcher } from '../adapters/model/http/dispatcher.ts';
import { requestPublisher } from '../adapters/rabbitmq/chat-messages.ts';
import { createDeadLetter } from '../adapters/rabbitmq/dead-letters.ts';
import { createPublisher } from '../adapters/rabbitmq/publisher.ts';
import { createQueueDepths } from '../adapters/rabbitmq/queue-depths.ts';
import { createRedisRateLimit } from '../adapters/rate-limits/redis-rate-limit.ts';
import { connectRedis, mustAnswer, orStoreUnavailable } from '../adapters/redis/connect-redis.ts';
import { createBullBoardRouter } from '../api/admin/bull-board.ts';
import { createDeadLettersRouter } from '../api/admin/dead-letters.ts';
import { createGatesRouter } from '../api/admin/gates.ts';
import { createAdminRouter, orLogin } from '../api/admin/routes.ts';
import { createApp } from '../api/app.ts';
import { createAdminSessions } from '../api/auth/admin-sessions.ts';
import { createAuthentication } from '../api/auth/authenticate.ts';
import { rememberTokens } from '../api/auth/remember-tokens.ts';
import { createTokenVerifier } from '../api/auth/verify-tokens.ts';
import { acceptQuestion } from '../api/chat/accept-question.ts';
import { createAnswerWaiter } from '../api/chat/answer-waiter.ts';
import { createSessionEraser } from '../api/chat/erase-session.ts';
import { createLine, type Line } from '../api/chat/line.ts';
import { createLostTurns } from '../api/chat/lost-turns.ts';
import { createRounds } from '../api/chat/rounds.ts';
import { createChatRouter } from '../api/chat/routes.ts';
import { createResponseSettler } from '../api/chat/settle-responses.ts';
import { byUser, limitRoute } from '../api/rate-limit.ts';
import { createDeadLetterAdmin } from '../bridge/redrive/dead-letter-admin.ts';
import { loadApiConfig } from '../config/load.ts';
import { StoreUnavailableError } from '../contracts/errors.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../contracts/queues.ts';
import { redisKeys, SETTLED_COUNT_KEY } from '../contracts/redis-keys.ts';
import { createHealthRouter } from '../observability/health.ts';
import { listen } from '../observability/http-server.ts';
import { createLogger } from '../observability/log.ts';
import { createApiMetrics, measureQueues } from '../observability/metrics.ts';
import { startMetricsServer } from '../observability/metrics-server.ts';
import { createAccountRouters } from './accounts.ts';
import { answerSignaturesOf } from './answer-signatures.ts';
import { brokerAddressOf } from './broker-address.ts';
import { connectToBroker, mustBeConnected } from './broker-connections.ts';
import { checkDurability } from './durability.ts';
import { admitToRedis } from './installation.ts';
import { logEverything, readConfig, stopOnSignal } from './process.ts';
import { nameMissingRedisRights } from './redis-rights.ts';
import { version } from './version.ts';

/** How often lost questions and unfinished erasures are looked for, at least. */
const ROUND_MS = 10_000;

const config = readConfig(loadApiConfig);
const logger = createLogger('api', config.logLevel);
logEverything(logger);
const metrics = createApiMetrics();
const replica = randomUUID();
const name = `healify-chat api ${replica.slice(0, 8)}`;

const { consuming, publishing } = await connectToBroker({
  address: brokerAddressOf(config),
  name,
  process: 'api',
  logger,
  connectionUp: metrics.connectionUp,
});
const connectTo = (url: string, purpose: string) =>
  connectRedis({
    ...{ url, ca: config.redisCaFile, logger, namespace: config.namespace, commandTimeoutMs: config.storeTimeoutMs },
    name: `${name} (${purpose})`,
    onUp: (up) => metrics.connectionUp.set({ server: purpose === 'store' ? 'redis' : `redis-${purpose}` }, up ? 1 : 0),
  });
const redis = connectTo(config.redisUrl, 'store');
const subscriber = connectTo(config.redisUrl, 'subscribe');
const cacheRedis = config.cacheRedisUrl ? connectTo(config.cacheRedisUrl, 'cache') : redis;
checkDurability({ redis, required: config.requireDurableRedis, needsWaitAof: false, logger });
nameMissingRedisRights({ redis, process: 'api', logger });
let stopping = false;
const endedLogins = createRedisEndedLogins({
  redis,
  subscriber,
  keepMs: config.accessTokenTtlMs + config.jwtClockToleranceMs + 60_000,
  logger,
});
let redisIsOurs = false;
const admitted = admitToRedis({ ...config, redis, logger })
  .then(() => endedLogins.start())
  .then(() => {
    redisIsOurs = true;
  });
/** Before it is known whose Redis this is, and which logins have ended, nothing is read from it or put into it. */
const onceAdmitted = (router: Router) =>
  Router().use((_req, _res, next) => {
    if (!redisIsOurs)
      throw new StoreUnavailableError('It is not yet known whose Redis this is, or which logins have ended.');
    next();
  }, router);

const queue = openChatQueue(redis);
const publisher = createPublisher({ connection: publishing, timeoutMs: config.publishTimeoutMs, logger });
const depths = createQueueDepths({ connection: consuming, logger });
measureQueues(metrics.registry, { brokerQueues: depths.read });

const conversations = createRedisConversationStore({ redis, retentionMs: config.historyRetentionMs, replica });
const answerWaiter = createAnswerWaiter({ subscriber, replica, onSettled: (requestId) => line.ended(requestId) });
const cancelRequests = (requestIds: string[]) =>
  orStoreUnavailable(
    (async () => {
      await Promise.all(requestIds.map((requestId) => cancelRequest(redis, requestId)));
      // One that waits for its next attempt is ended now, not then.
      await promoteJobs(queue, redis, requestIds);
    })(),
  );
const eraser = createSessionEraser({
  conversations,
  cancelRequests,
  forgetJobs: (requestIds) =>
    orStoreUnavailable(forgetJobs(queue, redis, requestIds, { rememberMs: config.redeliveryWindowMs })),
  forgetAnswers: async (sessionId, answerKeys) => {
    const removed = [cacheRedis.del(redisKeys.response(sessionId)), forgetAnswers(cacheRedis, answerKeys)];
    await orStoreUnavailable(Promise.all(removed));
  },
});
const placesOf = (requestIds: string[]) => orStoreUnavailable(placesInLine(queue, redis, requestIds));

const gates = createGateAdmin(redis);

const line: Line = createLine({
  look: async (newlySettled) => {
    const requests = (await depths.states())?.[REQUESTS_QUEUE];
    if (!requests) return undefined;
    const [{ untaken, inHand, workerAlive }, modelShut] = await Promise.all([
      lookAtJobs(queue, redis),
      areAllShut(gates),
    ]);
    // Last: what is added by a look that fails would be added again by the next.
    const settled = await redis.incrby(SETTLED_COUNT_KEY, newlySettled);
    metrics.waiting.set(requests.messages + untaken);
    if (line.drainRate !== undefined) metrics.drainRate.set(line.drainRate);
    const { messages: inBroker, consumers } = requests;
    return { inBroker, inJobs: untaken, inHand, consumers, workerAlive, modelShut, settled };
  },
  placesOf,
  requestDeadlineMs: config.requestDeadlineMs,
  shedAbove: config.shedAbove,
});

const endLostTurns = createLostTurns({
  conversations,
  placesOf,
  messagesWaiting: async () => {
    const depth = await depths.read();
    return depth && depth[REQUESTS_QUEUE]! + depth[RESPONSES_QUEUE]!;
  },
  requestDeadlineMs: config.requestDeadlineMs,
  graceMs: config.deadlineGraceMs,
  answerWaiter,
  onLost: () => metrics.turnsLost.inc(),
  logger,
});
const rounds = createRounds({
  tasks: { endLostTurns, finishErasures: eraser.finish },
  everyMs: Math.min(ROUND_MS, Math.max(1_000, config.deadlineGraceMs)),
  logger,
});

const settler = createResponseSettler({
  connection: consuming,
  conversations,
  signatures: answerSignaturesOf(config),
  acceptUnsigned: config.acceptUnsignedAnswers,
  unknownSession: config.unknownSessionAnswers,
  deadLetter: createDeadLetter({
    queue: RESPONSES_QUEUE,
    publisher,
    logger,
    onDeadLetter: (reason) => metrics.deadLetters.inc({ queue: RESPONSES_QUEUE, reason }),
  }),
  prefetch: config.responsesPrefetch,
  onSettled: (outcome, response) => {
    const { status, timings, requestId } = response;
    metrics.responsesSettled.inc({ outcome });
    answerWaiter.settled(requestId, outcome === 'settled' ? response : 'look');
    if (outcome === 'settled') {
      metrics.answerTime.observe({ status }, timings.totalMs / 1000);
      line.settled(response);
    }
    if (outcome === 'erased') {
      eraser
        .eraseLate(response)
        .catch((error) =>
          logger.warn({ requestId, err: error }, 'a late answer is not erased yet, will be tried again'),
        );
    }
  },
  logger,
});

if (!config.jwtSecret && !config.jwtJwksUrl) {
  logger.warn('there is no JWT_SECRET: tokens are signed with a random one, and end with this process');
}
const secret = config.jwtSecret ?? randomBytes(48).toString('base64');
const verifyToken = rememberTokens(
  createTokenVerifier({
    key: config.jwtJwksUrl ? { jwksUrl: config.jwtJwksUrl, dispatcher: createDispatcher(config) } : { secret },
    rules: {
      issuer: config.jwtIssuer,
      audiences: config.jwtAudience,
      audienceClaim: config.jwtAudienceClaim,
      rolesClaim: config.jwtRolesClaim,
      adminRole: config.jwtAdminRole,
      clockToleranceMs: config.jwtClockToleranceMs,
    },
  }),
);
const adminSessions = createAdminSessions({ store: createRedisAdminSessionStore({ redis }) });
const { authenticate, requireAdmin } = createAuthentication({ verifyToken, hasEnded: endedLogins.has, adminSessions });
const limit = (name: string, perMinute: number) => limitRoute(createRedisRateLimit({ redis, name, perMinute }), byUser);
const publishRequest = requestPublisher(publisher);
const { accounts, login } = createAccountRouters({
  config,
  secret,
  redis,
  verifyToken,
  adminSessions,
  endLogin: endedLogins.end,
});

const app = createApp({
  version,
  trustProxy: config.trustProxy,
  basePath: config.basePath,
  corsOrigins: config.corsOrigins,
  health: createHealthRouter({
    version,
    checks: {
      rabbitmq: async () => mustBeConnected({ consuming, publishing, publisher }),
      redis: async () => {
        await admitted;
        await mustAnswer(redis);
      },
    },
  }),
  admin: onceAdmitted(
    createAdminRouter(
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
      createGatesRouter({ gates, requireAdmin }),
    ),
  ),
  accounts: accounts && onceAdmitted(accounts),
  chat: onceAdmitted(
    createChatRouter({
      authenticate,
      limitSend: limit('send', config.rateSendPerMinute),
      limitRead: limit('read', config.rateReadPerMinute),
      conversations,
      eraser,
      cancelRequests,
      accept: async (question) => {
        const accepted = await acceptQuestion({ ...config, conversations, publishRequest }, question);
        metrics.requestsAccepted.inc();
        return accepted;
      },
      idempotencyKeys: createRedisIdempotencyKeys({ redis, ttlMs: config.idempotencyTtlMs }),
      answerWaiter,
      line,
      maxWaitMs: config.maxWaitMs,
      allowedModels: [...new Set([config.chatModel, ...config.allowedModels])],
    }),
  ),
  metrics,
  logger,
});

void admitted.then(() => {
  if (stopping) return;
  settler.start();
  line.start();
  rounds.start();
});
const server = await listen(app, { host: config.host, port: config.apiPort });
const metricsServer = await startMetricsServer({
  host: config.host,
  port: config.apiMetricsPort,
  registry: metrics.registry,
});
logger.info({ port: server.port, metricsPort: metricsServer.port }, 'api started');

stopOnSignal({
  logger,
  graceMs: config.shutdownGraceMs,
  stop: async () => {
    stopping = true;
    // Those that wait for an answer are told where to look for it.
    answerWaiter.stop();
    endedLogins.stop();
    line.stop();
    rounds.stop();
    await server.stop(config.shutdownGraceMs);
    await settler.stop();
    await Promise.all([publisher.close(), depths.close()]);
    await Promise.all([consuming.close(), publishing.close(), queue.close()]);
    for (const connection of [redis, subscriber, cacheRedis]) connection.disconnect();
    await metricsServer.stop();
  },
});
