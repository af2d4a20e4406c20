import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JOBS_PREFIX } from '../../src/contracts/queues.ts';
import { aclNameOf, CLUSTER_COMMANDS, type RedisProcess, rulesOf } from '../../src/contracts/redis-rights.ts';
import type { Service } from '../../tools/services/service.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { makeSelfSigned } from '../self-signed.ts';
import { testRedisCluster, testRedisWithSentinels, withoutRedisServers } from '../services/redis-cluster.ts';
import { testRabbitMqUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const PASSWORD = 'pass@word,1';
const describeWithServers = withoutRedisServers ? describe.skip : describe;
/** A new primary is there within seconds; on a slow machine it takes longer. */
const FAILOVER_MS = 120_000;

interface Servers {
  url: string;
  kill(): Promise<void>;
  /** The server that has the jobs now. */
  withJobs(): Promise<Service>;
}

const forms: [string, (access: Parameters<typeof testRedisCluster>[0]) => Promise<Servers>, string][] = [
  [
    'a Redis Cluster',
    async (access) => {
      const cluster = await testRedisCluster(access);
      return { ...cluster, withJobs: () => cluster.primaryOf(`${JOBS_PREFIX}:a`) };
    },
    '',
  ],
  [
    'Redis with Sentinels',
    async (access) => {
      const set = await testRedisWithSentinels(access);
      return { ...set, withJobs: set.primary };
    },
    `?sentinel_password=${encodeURIComponent(PASSWORD)}`,
  ],
];

describeWithServers.each(forms)('with %s, TLS and users of the least rights', (_, start, parameters) => {
  let dir: string;
  let servers: Servers;
  let simulator: TestSimulator;
  let api: TestProcess;
  let worker: TestProcess;
  let user: TestUser;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'healify-redis-tls-'));
    makeSelfSigned(dir, 'own', { commonName: '127.0.0.1', altName: 'IP:127.0.0.1' });
    const [certFile, keyFile] = [join(dir, 'own.pem'), join(dir, 'own.key')];
    const more = CLUSTER_COMMANDS.map((command) => `+${aclNameOf(command)}`);
    const userOf = (name: RedisProcess) => ['user', name, 'on', `>${PASSWORD}`, ...rulesOf(name), ...more].join(' ');
    [servers, simulator] = await Promise.all([
      start({
        tls: { certFile, keyFile, caFile: certFile },
        users: { adminPassword: PASSWORD, others: [userOf('api'), userOf('worker')] },
      }),
      startSimulator(),
    ]);
    const urlOf = (name: RedisProcess) =>
      `${servers.url.replace('://', `://${name}:${encodeURIComponent(PASSWORD)}@`)}${parameters}`;
    const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_CA_FILE: certFile, RATE_SEND_PER_MINUTE: '100000' };
    [api, worker] = await Promise.all([
      startApi({ ...env, REDIS_URL: urlOf('api') }),
      startWorker({ ...env, REDIS_URL: urlOf('worker'), MODEL_SIMULATOR_URL: simulator.baseUrl, RETRY_BASE: '10ms' }),
    ]);
    user = await signUp(api.url);
  }, 240_000);

  afterAll(async () => {
    await Promise.all([api?.kill(), worker?.kill(), simulator?.stop()]);
    await servers?.kill();
    rmSync(dir, { recursive: true });
  });

  test('questions are answered, tried again, cancelled, listed and erased', async () => {
    const first = await user.send({ message: 'Is this safe?' }, { Prefer: 'wait=20' });
    expect(first).toMatchObject({ status: 200, body: { status: 'completed' } });
    const { sessionId } = first.body;
    const again = { message: 'And again? [[simulate status=500 times=2]]', sessionId };
    expect((await user.send(again, { Prefer: 'wait=20' })).body).toMatchObject({ status: 'completed' });
    await simulator.behave({ latencyMs: 60_000 });
    const slow = await user.send({ message: 'Too slow?' });
    await until('it is asked', async () => (await simulator.stats()).inFlight === 1);
    const cancelled = await user.post(`/chat/session/${slow.body.sessionId}/cancel`);
    expect(cancelled.status).toBe(200);
    await simulator.behave({ latencyMs: 0 });
    expect((await user.history()).body.items).toHaveLength(3);
    expect((await user.session(sessionId)).body.turns).toHaveLength(2);
  });

  test('no user lacks a right, and no password is in a log', () => {
    for (const { output } of [api, worker]) {
      expect(output()).not.toContain('lacks rights');
      expect(output()).not.toMatch(/pass@word|pass%40word/);
    }
  });

  test(
    'the server of the jobs is killed: questions are refused for a while, and then they are answered, each once',
    async () => {
      const accepted: { sessionId: string; requestId: string; promoted: boolean }[] = [];
      const killed = await servers.withJobs();
      let promoted = false;
      let asking = true;
      const asks = (async () => {
        for (let i = 0; asking; i++) {
          const afterwards = promoted;
          const { status, body } = await user.send({ message: `Question ${i}?` });
          expect([202, 503]).toContain(status);
          if (status === 202) accepted.push({ ...body, promoted: afterwards });
          await sleep(20);
        }
      })();
      await until('some are accepted', () => accepted.length > 10, 60_000);
      await killed.kill();
      await until(
        'another server has the jobs',
        async () => (await servers.withJobs().catch(() => killed)) !== killed,
        FAILOVER_MS,
      );
      promoted = true;
      const afterwards = () => accepted.filter((question) => question.promoted);
      await until('questions are accepted again', () => afterwards().length > 20, FAILOVER_MS);
      asking = false;
      await asks;
      for (const { sessionId, requestId } of afterwards()) {
        const turn = await until(
          'it is answered',
          async () => {
            const { body } = await user.session(sessionId);
            return body.turns?.[0]?.status === 'completed' && body.turns;
          },
          FAILOVER_MS,
        );
        expect(turn).toMatchObject([{ requestId, status: 'completed' }]);
      }
    },
    3 * FAILOVER_MS,
  );
});
