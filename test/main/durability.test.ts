import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { supportsWaitAof } from '../../src/adapters/redis/durability.ts';
import type { Service } from '../../tools/services/service.ts';
import { startScript } from '../processes.ts';
import { privateRedis, testRabbitMqUrl } from '../services.ts';
import { MESSAGE_SIGNING_KEY } from '../signing.ts';
import { until } from '../until.ts';

let server: Service;
let redis: Redis;
let env: Record<string, string>;
beforeAll(async () => {
  server = await privateRedis();
  redis = new Redis(server.url);
  env = {
    REDIS_URL: server.url,
    RABBITMQ_URL: await testRabbitMqUrl(),
    MESSAGE_SIGNING_KEY,
    MODEL_SIMULATOR_URL: 'http://127.0.0.1:9/v1',
    HOST: '127.0.0.1',
    WORKER_PORT: '0',
    WORKER_METRICS_PORT: '0',
    API_PORT: '0',
    API_METRICS_PORT: '0',
  };
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

test('a Redis that appends and never evicts is accepted without a warning', async () => {
  const worker = await startScript('src/main/worker.ts', [], { ...env, REQUIRE_DURABLE_REDIS: 'true' });
  await until('the worker has started', () => worker.output().includes('worker started'));
  await until('Redis is connected', () => worker.output().includes('connected to Redis'));
  expect(worker.output()).not.toContain('MAY LOSE');
  await worker.stop();
});

test.each(['api', 'worker'])(
  'on one that may lose jobs, the %s warns loudly, or refuses where that is set',
  async (name) => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await redis.config('SET', 'appendonly', 'no');
    const warned = await startScript(`src/main/${name}.ts`, [], env);
    const line = await until('the warning', () =>
      warned
        .output()
        .split('\n')
        .find((entry) => entry.includes('REDIS MAY LOSE JOBS')),
    );
    expect(line).toContain('maxmemory-policy is allkeys-lru');
    expect(line).toContain('writes nothing to disk');
    await warned.stop();

    const refused = await startScript(`src/main/${name}.ts`, [], { ...env, REQUIRE_DURABLE_REDIS: 'true' });
    await refused.exited;
    expect(refused.exitCode).toBe(1);
    expect(refused.output()).toContain('REQUIRE_DURABLE_REDIS is set');
  },
);

test('acknowledging after the fsync is refused where the server cannot tell', async () => {
  const worker = await startScript('src/main/worker.ts', [], { ...env, ACK_AFTER_FSYNC: 'true' });
  if (await supportsWaitAof(redis)) {
    await until('the worker has started', () => worker.output().includes('worker started'));
    await worker.stop();
  } else {
    await worker.exited;
    expect([worker.exitCode, worker.output()]).toEqual([1, expect.stringContaining('needs Redis 7.2')]);
  }
});
