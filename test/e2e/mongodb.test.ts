import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Db } from 'mongodb';
import { freePort } from '../../tools/services/free-port.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { openMongoDb } from '../mongodb-connection.ts';
import { startApi, startScript, startWorker, type TestProcess } from '../processes.ts';
import { textOf } from '../redis-text.ts';
import { testMongoDbUrl, testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { MESSAGE_SIGNING_KEY } from '../signing.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';
import { withMongoDb } from '../with-mongodb.ts';

withMongoDb('the whole product on MongoDB', () => {
  let env: { RABBITMQ_URL: string; REDIS_URL: string; MONGODB_URL: string };
  let simulator: TestSimulator;
  let api: TestProcess;
  let redis: Redis;
  let db: Db;
  let ann: TestUser;

  beforeAll(async () => {
    env = {
      RABBITMQ_URL: await testRabbitMqUrl(),
      REDIS_URL: await testRedisUrl(),
      MONGODB_URL: await testMongoDbUrl(),
    };
    redis = new Redis(env.REDIS_URL);
    ({ db } = openMongoDb(env.MONGODB_URL));
    simulator = await startSimulator();
    [api] = await Promise.all([
      startApi({ ...env, SESSION_IDLE: '1s' }),
      startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl }),
    ]);
    ann = await signUp(api.url);
  });
  afterAll(async () => {
    await simulator.stop();
    redis.disconnect();
  });

  const ask = async (body: object) => {
    const reply = await ann.send(body, { Prefer: 'wait=20' });
    expect({ status: reply.status, state: reply.body.status }).toEqual({ status: 200, state: 'completed' });
    return reply.body;
  };
  const isInUse = (sessionId: string) => redis.exists(`chat:session:${sessionId}`);

  test('accounts, logins, turns and sessions are in MongoDB, and no account is in Redis', async () => {
    const { sessionId } = await ask({ message: 'What is healthy?' });
    const count = (collection: string, filter: object) => db.collection(collection).countDocuments(filter);
    expect(await count('accounts', {})).toBe(1);
    expect(await count('refreshFamilies', {})).toBe(1);
    expect(await count('conversations', { sessionId })).toBe(2);
    expect(await redis.keys('auth:user:*')).toEqual([]);
    expect(await redis.keys('auth:refresh:*')).toEqual([]);
  });

  test('a conversation that nobody uses leaves Redis, and goes on where it was', async () => {
    const message = `Is ${randomUUID()} healthy?`;
    const { sessionId, requestId } = await ask({ message });
    await until('it has left Redis', async () => (await isInUse(sessionId)) === 0);
    expect((await ann.history()).body.items).toContainEqual(expect.objectContaining({ requestId, message }));
    expect((await ann.put(`/chat/requests/${requestId}/feedback`, { rating: 'up' })).status).toBe(200);

    const second = await ask({ message: 'And why?', sessionId });
    const { turns } = (await ann.session(sessionId)).body;
    expect(turns.map((turn) => turn.requestId)).toEqual([requestId, second.requestId]);
    expect(turns[0]).toMatchObject({ message, feedback: { rating: 'up' } });
  });

  test('an erased conversation is in neither store', async () => {
    const secret = randomUUID();
    const { sessionId } = await ask({ message: `Is ${secret} healthy?` });
    expect((await ann.delete(`/chat/session/${sessionId}`)).status).toBe(204);
    expect(await db.collection('conversations').countDocuments({ sessionId })).toBe(0);
    await until('nothing is left in Redis', async () => !(await textOf(redis)).includes(secret));
    expect((await ann.session(sessionId)).status).toBe(404);
  });

  test('health and metrics show MongoDB, and how long its commands take', async () => {
    const health = (await (await fetch(`${api.url}/health/ready`)).json()) as { checks: Record<string, unknown> };
    expect(health.checks).toMatchObject({ mongodb: { status: 'up' } });
    const metrics = await (await fetch(api.metricsUrl)).text();
    expect(metrics).toMatch(/^healify_mongodb_command_seconds_count\{[^}]*command="update",result="ok"[^}]*\} [1-9]/m);
    expect(metrics).toMatch(/^healify_connection_up\{server="mongodb"[^}]*\} 1$/m);
  });

  test('an api refuses to start on a MongoDB with another index, and says which', async () => {
    const MONGODB_URL = await testMongoDbUrl();
    await openMongoDb(MONGODB_URL).db.collection('accounts').createIndex({ email: 1 });
    const ports = { API_PORT: String(await freePort()), API_METRICS_PORT: String(await freePort()) };
    const other = await startScript('src/main/api.ts', [], { ...env, ...ports, MESSAGE_SIGNING_KEY, MONGODB_URL });
    await other.exited;
    expect(other.exitCode).toBe(1);
    expect(other.output()).toMatch(/another index in the place of \{\\?"email\\?":1\}/);
  });
});
