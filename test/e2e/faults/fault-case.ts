import { afterAll, expect } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisConversationStore } from '../../../src/adapters/conversations/redis-conversation-store.ts';
import { jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import { openChatQueue } from '../../../src/adapters/jobs/job-shards.ts';
import { sessionBody } from '../../../src/api/chat/bodies.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import type { Call } from '../../../tools/simulator/ledger.ts';
import { signUp, type TestUser } from '../../api-client.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../../processes.ts';
import { startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';

/** A killed worker's jobs are taken up within 15 s; the rest is for a busy machine. */
const RECOVERY_MS = 40_000;
const RETENTION_MS = 3_600_000;

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/**
 * Queues, databases and a model of the test's own, each with a proxy before it. A process that is started `proxied` can
 * be stopped between any two messages; the test itself looks at the servers directly.
 */
export async function startFaultCase() {
  const rabbitMqUrl = await testRabbitMqUrl();
  const [redisUrl, cacheUrl] = [await testRedisUrl(), await testRedisUrl()];
  const simulator = await startSimulatorProcess();
  const [rabbitMq, redis, cache, model] = await Promise.all(
    [rabbitMqUrl, redisUrl, cacheUrl, simulator.url].map(startTcpProxy),
  );
  if (!rabbitMq || !redis || !cache || !model) throw new Error('four URLs give four proxies');
  const settings = {
    JWT_SECRET: 'known-to-each-api-of-this-test-'.padEnd(48, '-'),
    // The tests look more often than users do.
    RATE_READ_PER_MINUTE: '100000',
    STORE_TIMEOUT: '20s',
    RETRY_BASE: '100ms',
  };
  const direct = {
    ...settings,
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: redisUrl,
    CACHE_REDIS_URL: cacheUrl,
    MODEL_SIMULATOR_URL: simulator.url,
  };
  const proxied = {
    ...settings,
    RABBITMQ_URL: rabbitMq.url,
    REDIS_URL: redis.url,
    CACHE_REDIS_URL: cache.url,
    MODEL_SIMULATOR_URL: model.url,
  };

  const client = await startQueueClient(rabbitMqUrl);
  const [jobsConnection, cacheConnection] = [new Redis(redisUrl), new Redis(cacheUrl)];
  const jobs = openChatQueue(jobsConnection);
  const conversations = createRedisConversationStore({
    seals: plainTexts,
    redis: jobsConnection,
    retentionMs: RETENTION_MS,
    replica: 'test',
  });
  const workers: TestProcess[] = [];
  const apis: TestProcess[] = [];
  cleanups.push(
    () => Promise.all([rabbitMq, redis, cache, model].map((proxy) => proxy.stop())),
    () => cacheConnection.disconnect(),
    () => jobsConnection.disconnect(),
    () => jobs.close(),
  );

  /** The session as it is in the store, whoever can or cannot read it there. */
  const storedSession = async (sessionId: string, userId: string) => {
    const page = await conversations.session(sessionId, userId, { limit: 10 });
    return page && sessionBody(page);
  };
  const control = async (path: string): Promise<unknown> =>
    await (await fetch(new URL(`/control/${path}`, simulator.url))).json();
  const calls = async () => ((await control('calls')) as { calls: Call[] }).calls;
  const callsFor = async (message: string) => (await calls()).filter(({ text }) => text === message);
  const depths = async () => {
    const queues = ([REQUESTS_QUEUE, RESPONSES_QUEUE] as const).flatMap((queue) => [queue, deadLetterQueueOf(queue)]);
    return Object.fromEntries(await Promise.all(queues.map(async (queue) => [queue, await client.depth(queue)])));
  };
  const job = (requestId: string) => jobs.getJob(jobIdOf(requestId));
  const jobState = (requestId: string) => jobs.getJobState(jobIdOf(requestId));

  return {
    rabbitMq,
    redis,
    cache,
    model,
    depth: client.depth,
    job,
    jobState,
    storedSession,
    isCached: async (sessionId: string) => (await cacheConnection.exists(redisKeys.response(sessionId))) === 1,
    /** How often the model was asked this, by its own count. */
    callCount: async (message: string) => (await callsFor(message)).length,
    startApi: async (way: 'direct' | 'proxied' = 'direct') => {
      const api = await startApi(way === 'direct' ? direct : proxied);
      apis.push(api);
      return api;
    },
    startWorker: async (way: 'direct' | 'proxied' = 'direct', env: Record<string, string> = {}) => {
      const worker = await startWorker({ ...(way === 'direct' ? direct : proxied), ...env });
      workers.push(worker);
      return worker;
    },
    /** A question whose answer the model has given, and which has not reached the worker. */
    askUpToTheAnswer: async (user: TestUser, message: string) => {
      model.holdFromServer();
      const { body } = await user.send({ message });
      await until('the model has answered', async () => (await callsFor(message)).some(({ status }) => status === 200));
      return body;
    },
    /**
     * Waits until its user sees the request answered, ends every process in an orderly way, and looks at what is left:
     * one turn with one answer, the model asked so often, the job completed, and nothing in any queue.
     */
    expectAnsweredOnce: async (
      user: TestUser,
      { sessionId, requestId }: { sessionId: string; requestId: string },
      expectedCalls: number,
    ) => {
      const seen = await until(
        'its user sees the answer',
        async () => {
          const { body } = await user.session(sessionId);
          return body?.turns?.some((turn) => turn.requestId === requestId && turn.completedAt !== null) && body;
        },
        RECOVERY_MS,
      );
      expect(seen.turns).toMatchObject([{ requestId, status: 'completed' }]);
      const [turn] = seen.turns;
      const own = (await user.history()).body.items.filter((item) => item.sessionId === sessionId);
      expect(own).toMatchObject([{ requestId, status: 'completed', response: turn!.response }]);

      await until('the job is done', async () => (await jobState(requestId)) === 'completed', RECOVERY_MS);
      await Promise.all(workers.map((worker) => worker.running && worker.stop()));
      await until('every answer is consumed', async () => (await client.depth(RESPONSES_QUEUE)) === 0);
      await Promise.all(apis.map((api) => api.running && api.stop()));

      // What had been consumed and not acknowledged would be back by now.
      expect(Object.values(await depths())).toEqual([0, 0, 0, 0]);
      expect(await storedSession(sessionId, user.userId)).toMatchObject({ turns: [turn] });
      expect(await callsFor(turn!.message)).toHaveLength(expectedCalls);
    },
  };
}

export type FaultCase = Awaited<ReturnType<typeof startFaultCase>>;

/** The sum of a process's figures of this name whose labels have these values. */
export async function metric(process: TestProcess, name: string, labels: Record<string, string> = {}): Promise<number> {
  const text = await (await fetch(process.metricsUrl)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  const matching = lines.filter((line) => wanted.every((label) => line.includes(label)));
  return matching.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

export const settled = (api: TestProcess, outcome: 'settled' | 'duplicate') =>
  metric(api, 'healify_responses_settled_total', { outcome });

/** A case with an api, and somebody who is logged in there. */
export async function startFaultCaseWithUser(way: 'direct' | 'proxied' = 'direct') {
  const fault = await startFaultCase();
  const api = await fault.startApi(way);
  return { fault, api, user: await signUp(api.url) };
}
