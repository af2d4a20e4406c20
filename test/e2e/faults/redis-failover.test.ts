import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import { jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import { call, signUp, type TestUser } from '../../api-client.ts';
import { startApi, startWorker } from '../../processes.ts';
import { startQueueClient } from '../../queue-client.ts';
import { managementApi } from '../../services/management-api.ts';
import { testRedisCluster, withoutRedisServers } from '../../services/redis-cluster.ts';
import { startReplicatedRedis } from '../../services/replicated-redis.ts';
import { askForRabbitMq } from '../../services/server-desk.ts';
import { testRabbitMqUrl } from '../../services.ts';
import { startStandInWorker } from '../../stand-in-worker.ts';
import { startSimulator } from '../../start-simulator.ts';
import { until } from '../../until.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const settingsOf = (redisUrl: string, replicas: number) => ({
  REDIS_URL: redisUrl,
  ACK_AFTER_REPLICAS: String(replicas),
  RATE_READ_PER_MINUTE: '100000',
  RATE_SEND_PER_MINUTE: '100000',
  STORE_TIMEOUT: '4s',
});

async function startServers(replicas: number) {
  const servers = await startReplicatedRedis();
  cleanups.push(() => servers.stop());
  const rabbitMqUrl = await testRabbitMqUrl();
  const env = { ...settingsOf(servers.url, replicas), RABBITMQ_URL: rabbitMqUrl };
  const management = managementApi((await askForRabbitMq()).managementUrl);
  const path = `queues/${encodeURIComponent(new URL(rabbitMqUrl).pathname.slice(1))}`;
  /** RabbitMQ counts acknowledgements every five seconds. */
  const acknowledged = (queue: string) =>
    until(
      `a message of ${queue} is acknowledged`,
      async () => {
        const { message_stats: stats } = (await management.get(`${path}/${queue}`)) as {
          message_stats?: { ack?: number };
        };
        return (stats?.ack ?? 0) > 0;
      },
      60_000,
    );
  return { servers, env, acknowledged };
}

const cases = [
  { replicas: 1, what: 'is not lost' },
  { replicas: 0, what: 'may be lost' },
];
const testOnReplicas = withoutRedisServers ? test.skip : test;

/** A failover is noticed within seconds; the rest is for a busy machine. */
const RECOVERY_MS = 90_000;

const accepted = (user: TestUser) =>
  until(
    'the question is accepted',
    async () => {
      const reply = await user.send({ message: 'How?' });
      return reply.status === 202 && reply.body;
    },
    RECOVERY_MS,
  );

for (const { replicas, what } of cases) {
  testOnReplicas(
    `with ACK_AFTER_REPLICAS=${replicas}, a job that its worker and the primary take with them ${what}`,
    async () => {
      const { servers, env, acknowledged } = await startServers(replicas);
      const simulator = await startSimulator();
      cleanups.push(() => simulator.stop());
      const settings = { ...env, MODEL_SIMULATOR_URL: simulator.baseUrl };
      const client = await startQueueClient(env.RABBITMQ_URL);
      const worker = await startWorker(settings);
      await simulator.behave({ latencyMs: 600_000 });
      servers.haltReplication();
      const requestId = randomUUID();
      await client.ask({ requestId, sessionId: 's', userId: 'u', message: 'What?' });
      await until('the model is asked', async () => (await simulator.stats()).started === 1, 60_000);
      if (replicas === 0) await acknowledged(REQUESTS_QUEUE);
      await worker.kill();
      await servers.failOver();
      await simulator.behave({});
      if (replicas === 0) {
        expect(await servers.replica.exists(`{healify}:chat:${jobIdOf(requestId)}`)).toBe(0);
        await until('nobody consumes', async () => (await client.consumers(REQUESTS_QUEUE)) === 0, 60_000);
        expect(await client.depth(REQUESTS_QUEUE)).toBe(0);
        return;
      }
      await client.readResponses();
      await startWorker(settings);
      expect((await client.responseTo(requestId, RECOVERY_MS)).status).toBe('completed');
    },
    300_000,
  );

  testOnReplicas(
    `with ACK_AFTER_REPLICAS=${replicas}, an answer in a primary that fails ${what}`,
    async () => {
      const { servers, env, acknowledged } = await startServers(replicas);
      const client = await startQueueClient(env.RABBITMQ_URL);
      const standIn = await startStandInWorker(env.RABBITMQ_URL);
      cleanups.push(() => standIn.stop());
      const api = await startApi(env);
      const user = await signUp(api.url);
      const sent = await accepted(user);
      const { request } = await standIn.delivery(sent.requestId);
      await until('the replica has the turn', async () => {
        const [of, on] = await Promise.all([servers.primary, servers.replica].map((redis) => redis.dbsize()));
        return of === on && (await servers.replica.exists(`chat:session:${sent.sessionId}`)) === 1;
      });
      servers.haltReplication();
      await standIn.answer(request, { response: 'So.' });
      await until('the primary has the answer', () =>
        servers.primary.hexists(`{chat:session:${sent.sessionId}}:turns`, `${sent.requestId}:a`),
      );
      if (replicas === 0) await acknowledged(RESPONSES_QUEUE);
      await servers.failOver();
      const answer = async () => (await user.session(sent.sessionId)).body.turns?.[0];
      if (replicas === 0) {
        expect(await until('the turn is seen', answer, RECOVERY_MS)).not.toMatchObject({ status: 'completed' });
        expect(await client.depth(RESPONSES_QUEUE)).toBe(0);
        return;
      }
      await until('the answer is there', async () => (await answer())?.response === 'So.', RECOVERY_MS);
      await until('it is on the replica of the new primary', async () => (await client.depth(RESPONSES_QUEUE)) === 0);
    },
    300_000,
  );
}

testOnReplicas(
  'with ACK_AFTER_REPLICAS=1, nobody is told of a cancellation that a failover may lose',
  async () => {
    const { servers, env } = await startServers(1);
    await startQueueClient(env.RABBITMQ_URL);
    const standIn = await startStandInWorker(env.RABBITMQ_URL);
    cleanups.push(() => standIn.stop());
    const api = await startApi(env);
    const user = await signUp(api.url);
    const sent = await accepted(user);
    const { request } = await standIn.delivery(sent.requestId);
    const cancel = () => user.post(`/chat/requests/${sent.requestId}/cancel`);
    const turn = async () => (await user.session(sent.sessionId)).body.turns?.[0];
    servers.haltReplication();
    // The second try would find what the first one had written.
    expect((await cancel()).status).toBe(503);
    expect((await cancel()).status).toBe(503);
    expect((await turn())?.status).not.toBe('cancelled');
    await servers.failOver();
    await standIn.answer(request, { response: 'So.' });
    await until('the answer is there', async () => (await turn())?.response === 'So.', RECOVERY_MS);
  },
  300_000,
);

async function replicatedRedis() {
  const { servers, env } = await startServers(1);
  return { env, takeReplicas: servers.haltReplication, bringReplicas: servers.resumeReplication };
}

async function redisCluster() {
  const cluster = await testRedisCluster();
  cleanups.push(() => cluster.kill());
  const primary = await cluster.primaryOf('any key');
  const admins = cluster.nodes.map((node) => cluster.connect(node));
  cleanups.push(() => admins.map((admin) => admin.disconnect()));
  const roles = await Promise.all(
    admins.map(async (admin) => (await admin.info('replication')).includes('role:slave')),
  );
  const replica = cluster.nodes.find((node, i) => node !== primary && roles[i])!;
  return {
    env: { ...settingsOf(cluster.url, 1), RABBITMQ_URL: await testRabbitMqUrl() },
    takeReplicas: () => replica.kill(),
    bringReplicas: () => replica.start(),
  };
}

testOnReplicas.each([
  ['on one server', replicatedRedis],
  ['on a Redis Cluster', redisCluster],
] as const)(
  '%s, while replicas are missing, questions are refused, health says why, and later all goes on',
  async (_, start) => {
    const { env, takeReplicas, bringReplicas } = await start();
    const api = await startApi(env);
    const user = await signUp(api.url);
    const send = async () => (await user.send({ message: 'How?' })).status;
    await until('a question is accepted', async () => (await send()) === 202, RECOVERY_MS);
    await takeReplicas();
    await until('questions are refused', async () => (await send()) === 503);
    const ready = async () => await call(`${api.url}/health/ready`);
    await until('health says why', async () => JSON.stringify((await ready()).body).includes('0 of the 1 replicas'));
    await bringReplicas();
    await until('it is over', async () => (await ready()).status === 200, RECOVERY_MS);
    expect(await send()).toBe(202);
  },
  180_000,
);
