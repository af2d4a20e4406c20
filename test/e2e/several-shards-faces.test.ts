import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { openChatQueue, shardOf } from '../../src/adapters/jobs/job-shards.ts';
import { hashSlotOf } from '../../src/contracts/hash-slot.ts';
import { jobPage, jobStory } from '../../src/contracts/http/job-bodies.ts';
import { failureList, retryRun } from '../../src/contracts/http/retry-run-bodies.ts';
import { jobsPrefixOf } from '../../src/contracts/queues.ts';
import type { RedisCluster } from '../../tools/services/redis-cluster.ts';
import { type TestUser, userWith } from '../api-client.ts';
import { makeOperator } from '../make-operator.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { testRedisCluster, withoutRedisServers } from '../services/redis-cluster.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { goodClaims, signToken } from '../sign-token.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';
import { valueIn } from '../value-in-metrics.ts';

const SHARDS = 4;
const JWT_SECRET = 'a-secret-of-the-test-that-is-long-enough';
/** Each has a shard of its own. */
const USERS = ['user-0', 'user-1', 'user-4', 'user-5'];
const tokenOf = (claims: Record<string, unknown>) =>
  signToken(
    { header: { alg: 'HS256' }, payload: goodClaims({ exp: Math.floor(Date.now() / 1000) + 600, ...claims }) },
    JWT_SECRET,
  );

let simulator: TestSimulator;
beforeAll(async () => {
  expect(new Set(USERS.map((userId) => shardOf(userId, SHARDS))).size).toBe(SHARDS);
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

const usersOf = (api: TestProcess): TestUser[] =>
  USERS.map((userId) => userWith(api.url, userId, tokenOf({ sub: userId })));
const inFlight = async () => (await simulator.stats()).inFlight;

test('with four shards, people see their places in one line and can cancel, and operators see all jobs together', async () => {
  const env = {
    RABBITMQ_URL: await testRabbitMqUrl(),
    REDIS_URL: await testRedisUrl(),
    JWT_SECRET,
    JOB_SHARDS: String(SHARDS),
  };
  const [api] = await Promise.all([
    startApi(env),
    startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl, WORKER_CONCURRENCY: '1', MODEL_TIMEOUT: '60s' }),
  ]);
  await makeOperator(env.REDIS_URL);
  const headers = {
    authorization: `Bearer ${tokenOf({ roles: ['admin'], role: 'admin' })}`,
    'content-type': 'application/json',
  };
  const get = async (path: string) => await (await fetch(`${api.url}/admin${path}`, { headers })).json();
  const post = async (path: string, body: object) =>
    await (await fetch(`${api.url}/admin${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json();
  const users = usersOf(api);

  // Their failures are found and retried together.
  for (const user of users) {
    const { body } = await user.send({ message: 'Fail. [[simulate status=400]]' }, { Prefer: 'wait=20' });
    expect(body).toMatchObject({ status: 'failed' });
  }
  const failures = async () => failureList.parse(await get('/failures'));
  await until('all failures are seen', async () => (await failures()).counted === USERS.length);
  expect(await failures()).toMatchObject({ failures: [{ code: 'model_rejected', count: USERS.length }] });
  const { id, matching } = retryRun.parse(await post('/retry-runs', { code: 'model_rejected', rate: 100 }));
  expect(matching).toBe(USERS.length);
  await until('the run has ended', async () => retryRun.parse(await get(`/retry-runs/${id}`)).state === 'finished');
  await until('the model was asked again', async () => (await simulator.stats()).started === 2 * USERS.length);
  await until('they have failed again', async () => (await failures()).counted === USERS.length);

  // One question is in hand, and those of the others wait.
  const [first, ...others] = users as [TestUser, ...TestUser[]];
  const hanging = await first.send({ message: 'Hang. [[simulate mode=hang]]' });
  await until('the model is asked', async () => (await inFlight()) === 1);
  const waiting: { user: TestUser; sessionId: string; requestId: string }[] = [];
  const ask = async (user: TestUser, position: number) => {
    const { sessionId, requestId } = (await user.send({ message: 'Wait.' })).body;
    await until('its place is known', async () => {
      const { body } = await user.session(sessionId);
      return (body as unknown as { position: number | null }).position === position;
    });
    waiting.push({ user, sessionId, requestId });
  };
  // Each is the first of its shard. The last one comes after the first ones of all shards.
  for (const user of others) await ask(user, 0);
  await ask(others[0]!, others.length);
  const page = jobPage.parse(await get('/jobs?limit=100'));
  expect(page.jobs.map(({ userId }) => userId)).toEqual(expect.arrayContaining(USERS));
  expect(page.jobs).toHaveLength(2 * USERS.length + 1);
  for (const { user, requestId } of waiting) {
    const queue = `chat-${shardOf(user.userId, SHARDS)}`;
    expect(jobStory.parse(await get(`/jobs/${requestId}`))).toMatchObject({ userId: user.userId, queue });
  }
  const { queues } = (await get('/queues/api/queues')) as { queues: { name: string; counts: { failed: number } }[] };
  expect(queues.map(({ name }) => name).sort()).toEqual(['chat-0', 'chat-1', 'chat-2', 'chat-3']);
  expect(queues.map(({ counts }) => counts.failed)).toEqual([1, 1, 1, 1]);
  const metrics = async () => await (await fetch(api.metricsUrl)).text();
  await until('the metrics count all', async () => {
    const seen = await metrics();
    const count = (state: string) => valueIn(seen, 'healify_jobs', { state });
    return count('prioritized') === waiting.length && count('failed') === USERS.length;
  });

  // A pause of one queue is seen as such.
  const redis = new Redis(env.REDIS_URL);
  const paused = openChatQueue(redis, jobsPrefixOf(1, SHARDS));
  await paused.pause();
  await until('the metrics name the queue', async () => {
    const seen = await metrics();
    const values = queues.map(({ name }) => valueIn(seen, 'healify_jobs_paused', { queue: name }));
    return queues.every(({ name }, i) => values[i] === (name === 'chat-1' ? 1 : 0));
  });
  expect(await get('/overview')).toMatchObject({ pausedJobQueues: ['chat-1'] });
  await paused.resume();
  await paused.close();
  redis.disconnect();

  // A user cancels what waits, an operator what is in hand.
  const [cancelled, ...left] = waiting;
  const answer = await cancelled!.user.post(`/chat/session/${cancelled!.sessionId}/cancel`);
  expect(answer).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  await post(`/jobs/${hanging.body.requestId}/cancel`, {});
  await until('the others are answered', async () => {
    const bodies = await Promise.all(left.map(async ({ user, sessionId }) => (await user.session(sessionId)).body));
    return bodies.every(({ status }) => (status as string) === 'completed');
  });
  expect((await first.session(hanging.body.sessionId)).body).toMatchObject({ status: 'cancelled' });
  expect((await cancelled!.user.session(cancelled!.sessionId)).body).toMatchObject({ status: 'cancelled' });
}, 180_000);

const describeCluster = withoutRedisServers ? describe.skip : describe;
describeCluster('on a Redis Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await testRedisCluster({ replicas: 0 });
  });
  afterAll(() => cluster?.kill());

  test('the shards are on several nodes, and the questions of all users are answered', async () => {
    const keys = Array.from({ length: SHARDS }, (_, index) => `${jobsPrefixOf(index, SHARDS)}:chat:id`);
    expect(new Set(keys.map(hashSlotOf)).size).toBe(SHARDS);
    const nodes = await Promise.all(keys.map((key) => cluster.primaryOf(key)));
    expect(new Set(nodes.map(({ url }) => url)).size).toBeGreaterThan(1);
    const env = {
      RABBITMQ_URL: await testRabbitMqUrl(),
      REDIS_URL: cluster.url,
      JWT_SECRET,
      JOB_SHARDS: String(SHARDS),
    };
    const [api] = await Promise.all([startApi(env), startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl })]);
    const answers = await Promise.all(
      usersOf(api).map((user) => user.send({ message: `Question of ${user.userId}` }, { Prefer: 'wait=20' })),
    );
    for (const { body } of answers) expect(body).toMatchObject({ status: 'completed' });
    for (const [index, node] of nodes.entries()) {
      const redis = cluster.connect(node);
      expect(await redis.get(keys[index]!)).toBe('1');
      redis.disconnect();
    }
  });
});
