import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import type { Service } from '../../tools/services/service.ts';
import { signUp } from '../api-client.ts';
import { startApi, startWorker } from '../processes.ts';
import { chosenMongoDb } from '../services/mongodb-source.ts';
import { testRedisCluster, testRedisWithSentinels, withoutRedisServers } from '../services/redis-cluster.ts';
import { privateMongoDb, privateRabbitMq, privateRedis, testRabbitMqUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';

/** By then, each first try of a process has failed: commands may take a second. */
const LATE_MS = 6_000;
const STORE_TIMEOUT = '1s';

const killed: Service[] = [];
let simulator: TestSimulator | undefined;
afterAll(async () => {
  await simulator?.stop();
  await Promise.all(killed.map((server) => server.kill()));
});

/** Starts an api and a worker while these servers are away, lets the servers come, and asks a question. */
async function startLate(servers: readonly Service[], env: Record<string, string>): Promise<void> {
  killed.push(...servers);
  await Promise.all(servers.map((server) => server.kill()));
  simulator ??= await startSimulator();
  const starting = Promise.all([
    startApi({ ...env, STORE_TIMEOUT }),
    startWorker({ ...env, STORE_TIMEOUT, MODEL_SIMULATOR_URL: simulator.baseUrl }),
  ]);
  await Promise.race([sleep(LATE_MS), starting]);
  await Promise.all(servers.map((server) => server.start()));
  const [api] = await starting;
  const user = await signUp(api.url);
  const { body } = await user.send({ message: 'Are you there?' }, { Prefer: 'wait=30' });
  expect(body).toMatchObject({ status: 'completed' });
}

test('all servers may start after the api and the worker', async () => {
  const withMongoDb = !['none', 'given'].includes(chosenMongoDb().kind);
  const [rabbitMq, redis, mongoDb] = await Promise.all([
    privateRabbitMq(),
    privateRedis(),
    withMongoDb ? privateMongoDb() : undefined,
  ]);
  await startLate([rabbitMq, redis, ...(mongoDb ? [mongoDb] : [])], {
    RABBITMQ_URL: rabbitMq.url,
    REDIS_URL: redis.url,
    ...(mongoDb && { MONGODB_URL: `${mongoDb.url}/healify` }),
  });
});

(withoutRedisServers ? test.skip : test)('a Redis Cluster may', async () => {
  const { nodes, url } = await testRedisCluster();
  await startLate(nodes, { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: url });
});

(withoutRedisServers ? test.skip : test)('Redis with Sentinels may', async () => {
  const { servers, sentinels, url } = await testRedisWithSentinels();
  await startLate([...servers, ...sentinels], { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: url });
});
