import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
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

const masterKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

let simulator: TestSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

describe('conversations in Redis', () => describeEncryption(async () => ({})));
withMongoDb('conversations in MongoDB', () => {
  describeEncryption(async () => ({ MONGODB_URL: await testMongoDbUrl() }));

  test.each(['api', 'worker'] as const)(
    'where an %s was first and decided where the keys of users are, no process starts that would keep others elsewhere',
    async (first) => {
      const servers = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
      const more = { MODEL_SIMULATOR_URL: simulator.baseUrl, MESSAGE_SIGNING_KEY };
      const env = { ...servers, ...more, ENCRYPTION_KEYS: masterKey('k1') };
      const mongoDb = { MONGODB_URL: await testMongoDbUrl() };
      if (first === 'api') await startApi({ ...env, ...mongoDb });
      else await startWorker(env);
      const second = first === 'api' ? 'worker' : 'api';
      const ports = {
        [`${second.toUpperCase()}_PORT`]: String(await freePort()),
        [`${second.toUpperCase()}_METRICS_PORT`]: String(await freePort()),
      };
      const other = await startScript(`src/main/${second}.ts`, [], {
        ...env,
        ...ports,
        ...(second === 'api' && mongoDb),
      });
      await until('it has ended', () => !other.running);
      expect(other.exitCode).toBe(1);
      expect(other.output()).toContain(`this process has ${second === 'api' ? 'a' : 'no'} MONGODB_URL`);
    },
  );
});

function describeEncryption(makeEnv: () => Promise<{ MONGODB_URL?: string }>): void {
  let env: { RABBITMQ_URL: string; REDIS_URL: string; MONGODB_URL?: string };
  let redis: Redis;
  let api: TestProcess;
  let worker: TestProcess;
  let ann: TestUser;
  const keys = { ENCRYPTION_KEYS: masterKey('k1') };

  const start = async (more: Record<string, string>) => {
    [api, worker] = await Promise.all([
      startApi({ ...env, ...more, JWT_SECRET: 'encryption-encryption-encryption' }),
      startWorker({ ...env, ...more, MODEL_SIMULATOR_URL: simulator.baseUrl }),
    ]);
  };
  const stop = () => Promise.all([api.stop(), worker.stop()]);

  /** Has a conversation with a text in its question, its title and its feedback, and returns what was answered. */
  const converse = async (marker: string) => {
    const asked = await ann.send({ message: `Is ${marker} healthy?` }, { Prefer: 'wait=20' });
    expect(asked.body).toMatchObject({ status: 'completed' });
    const { sessionId, requestId } = asked.body;
    const comment = `${marker} was explained well`;
    expect((await ann.put(`/chat/requests/${requestId}/feedback`, { rating: 'up', comment })).status).toBe(200);
    expect((await ann.patch(`/chat/session/${sessionId}`, { title: `About ${marker}` })).status).toBe(200);
    const response = asked.body.response!;
    return { sessionId, requestId, response, turn: { message: `Is ${marker} healthy?`, feedback: { comment } } };
  };

  /** All that is kept of conversations, and what other services read. */
  const kept = async () => {
    const inRedis = await Promise.all(['chat:*', '{chat:*', 'ai:response:*'].map((keys) => textOf(redis, keys)));
    const { MONGODB_URL } = env;
    const db = MONGODB_URL === undefined ? undefined : openMongoDb(MONGODB_URL).db;
    return [...inRedis, JSON.stringify((await db?.collection('conversations').find().toArray()) ?? [])].join('\n');
  };

  beforeAll(async () => {
    env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl(), ...(await makeEnv()) };
    redis = new Redis(env.REDIS_URL);
    await start({});
    ann = await signUp(api.url);
  });
  afterAll(() => redis.disconnect());

  test('once there is a master key, texts are kept encrypted, and earlier ones can still be read', async () => {
    const [plain, secret] = [randomUUID(), randomUUID()];
    const earlier = await converse(plain);
    expect((await kept()).split(plain).length).toBeGreaterThan(3);
    expect(await kept()).toContain(`ai:response:${earlier.sessionId}`);
    await stop();

    await start(keys);
    ann = ann.at(api.url);
    const later = await converse(secret);
    const stored = await kept();
    expect(stored).toContain(later.sessionId);
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain(`ai:response:${later.sessionId}`);
    for (const { sessionId, turn, response } of [earlier, later]) {
      const session = (await ann.session(sessionId)).body;
      expect(session.turns).toMatchObject([{ ...turn, response }]);
    }
    const { items } = (await ann.get(`/chat/sessions?search=${secret}`)).body as unknown as { items: unknown[] };
    expect(items).toEqual([expect.objectContaining({ title: `About ${secret}` })]);
  });

  test.each([
    ['api', 'without its master key', {}],
    ['api', 'with another one', { ENCRYPTION_KEYS: masterKey('k2') }],
    ['worker', 'without its master key', {}],
    ['worker', 'with another one of the same name', { ENCRYPTION_KEYS: masterKey('k1') }],
  ])('the %s does not start %s, and says which key is missing', async (process, _, more) => {
    const prefix = process.toUpperCase();
    const ports = {
      [`${prefix}_PORT`]: String(await freePort()),
      [`${prefix}_METRICS_PORT`]: String(await freePort()),
      MODEL_SIMULATOR_URL: simulator.baseUrl,
    };
    const script = `src/main/${process}.ts`;
    const other = await startScript(script, [], { ...env, ...ports, MESSAGE_SIGNING_KEY, ...more });
    await until('it has ended', () => !other.running);
    expect(other.exitCode).toBe(1);
    expect(other.output()).toMatch(/master_key_missing.*\bk1\b/);
    for (const key of [...Object.values(keys), ...Object.values(more)])
      expect(other.output()).not.toContain(key.slice(3));
  });

  test('the master key is changed while the product runs, and the old one can be left out', async () => {
    const marker = randomUUID();
    const { sessionId, turn } = await converse(marker);
    const both = { ENCRYPTION_KEYS: `${masterKey('k2')},${keys.ENCRYPTION_KEYS}` };
    const command = await startScript('src/main/keys.ts', ['rotate'], { ...env, ...both });
    await command.exited;
    expect({ code: command.exitCode, output: command.output() }).toMatchObject({
      code: 0,
      output: expect.stringMatching(/k2 wraps all \d+ keys now/),
    });
    await stop();
    await start({ ENCRYPTION_KEYS: both.ENCRYPTION_KEYS.split(',')[0]! });
    ann = ann.at(api.url);
    expect((await ann.session(sessionId)).body.turns).toMatchObject([turn]);
  });
}
