import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RabbitMq } from '../../tools/services/rabbitmq.ts';
import type { Service } from '../../tools/services/service.ts';
import { formsIn, formsInFolder } from '../../tools/text-search.ts';
import { signUp } from '../api-client.ts';
import { openMongoDb } from '../mongodb-connection.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { managementApi } from '../services/management-api.ts';
import { privateRabbitMq, privateRedis, testMongoDbUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';
import { withMongoDb } from '../with-mongodb.ts';

// A full run with a text that nothing else has, and then a search for it in all that the servers have written to disk, in all logs
// and metrics. Without keys the same search finds it, which shows that it looks at the right files.

let simulator: TestSimulator;
let rabbitMq: RabbitMq;
let redisServer: Service;
beforeAll(async () => {
  [simulator, rabbitMq, redisServer] = await Promise.all([startSimulator(), privateRabbitMq(), privateRedis()]);
});
afterAll(() => Promise.all([simulator.stop(), rabbitMq.stop(), redisServer.stop()]));

async function empty(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  await redis.flushall();
  await redis.quit();
}

describe('with everything in Redis', () => describeRun(async () => ({})));
withMongoDb('with history in MongoDB', () => describeRun(async () => ({ MONGODB_URL: await testMongoDbUrl() })));

function describeRun(makeEnv: () => Promise<{ MONGODB_URL?: string }>): void {
  /**
   * Asks, streams, fails, cancels, rates and repeats questions, all with this text, and publishes a message that nobody can read.
   */
  async function run(
    env: Record<string, string>,
    marker: string,
  ): Promise<{ processes: TestProcess[]; metrics: string }> {
    const quick = { RETRY_BASE: '1ms', RETRY_MAX: '1ms', JOB_ATTEMPTS: '2' };
    const kept = { FINISHED_JOB_TEXT: '1h' };
    const processes = await Promise.all([
      startApi({ ...env, ...kept, LOG_LEVEL: 'debug' }),
      startWorker({ ...env, ...kept, ...quick, LOG_LEVEL: 'debug', MODEL_SIMULATOR_URL: simulator.baseUrl }),
    ]);
    const ann = await signUp(processes[0].url);
    const question = `Is ${marker} healthy?`;
    const wait = { Prefer: 'wait=20' };
    const first = (await ann.send({ message: question }, { ...wait, 'Idempotency-Key': randomUUID() })).body;
    expect(first.status).toBe('completed');
    const { sessionId, requestId } = first;
    expect((await ann.send({ message: `And ${marker}?`, sessionId }, wait)).body.status).toBe('completed');
    expect((await ann.send({ message: question }, wait)).body).toMatchObject({ cached: true });
    const streamed = await fetch(`${processes[0].url}/chat/send`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'text/event-stream',
        Authorization: `Bearer ${ann.accessToken}`,
      },
      // The model says it again, and nobody has asked it before.
      body: JSON.stringify({ message: `[[simulate mode=echo]] ${marker} as a stream` }),
    });
    expect(await streamed.text()).toMatch(new RegExp(`${marker}[^]*event: completed`));
    await ann.put(`/chat/requests/${requestId}/feedback`, { rating: 'down', comment: `${marker} is missing` });
    await ann.patch(`/chat/session/${sessionId}`, { title: `About ${marker}` });
    const failed = (await ann.send({ message: `[[simulate status=400]] ${marker}` }, wait)).body;
    expect(failed.status).toBe('failed');
    const slow = (await ann.send({ message: `[[simulate latency=60000]] ${marker}` })).body;
    await ann.post(`/chat/requests/${slow.requestId}/cancel`);
    const client = await startQueueClient(env.RABBITMQ_URL!);
    await client.ask({ message: 7, note: marker.replace('marker', 'foreign') });
    await until('it is a dead letter', async () => (await client.depth('chat_requests.dlq')) >= 1);
    const metrics = await Promise.all(processes.map(async ({ metricsUrl }) => await (await fetch(metricsUrl)).text()));
    await until('nothing waits', async () => (await client.depth('chat_responses')) === 0);
    return { processes, metrics: metrics.join('\n') };
  }

  /** Where the text is found, after everything is on disk. */
  async function search(env: Record<string, string>, marker: string, ran: Awaited<ReturnType<typeof run>>) {
    await Promise.all(ran.processes.map((each) => each.stop()));
    const redis = new Redis(env.REDIS_URL!);
    await redis.save();
    const redisDir = ((await redis.config('GET', 'dir')) as string[])[1]!;
    redis.disconnect();
    // RabbitMQ knows its folder only some seconds after its start.
    const rabbitMqDir = await until('RabbitMQ says where its data are', async () => {
      const [node] = (await managementApi(rabbitMq.managementUrl).get('nodes')) as { db_dir?: string }[];
      return node?.db_dir;
    });
    const mongoDb = env.MONGODB_URL
      ? JSON.stringify(
          await Promise.all(
            (await openMongoDb(env.MONGODB_URL).db.listCollections().toArray()).map(({ name }) =>
              openMongoDb(env.MONGODB_URL!).db.collection(name).find().toArray(),
            ),
          ),
        )
      : '';
    return {
      redis: formsInFolder(redisDir, marker),
      rabbitMq: formsInFolder(rabbitMqDir, marker),
      mongoDb: formsIn(mongoDb, marker),
      logs: formsIn(ran.processes.map((each) => each.output()).join('\n'), marker),
      metrics: formsIn(ran.metrics, marker),
    };
  }

  const servers = () => ({ RABBITMQ_URL: rabbitMq.url, REDIS_URL: redisServer.url });
  const newMarker = () => `marker-${randomUUID()}`;

  test('without keys the search finds the text in the stores, and in no log and no metric', async () => {
    const env = { ...servers(), ...(await makeEnv()) };
    await empty(env.REDIS_URL);
    const marker = newMarker();
    const found = await search(env, marker, await run(env, marker));
    expect(found.redis).not.toEqual([]);
    expect(found.rabbitMq).not.toEqual([]);
    if (env.MONGODB_URL) expect(found.mongoDb).not.toEqual([]);
    expect(found).toMatchObject({ logs: [], metrics: [] });
  });

  test('with keys the text is nowhere', async () => {
    const keys = { ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}` };
    const env = { ...servers(), ...(await makeEnv()), ...keys };
    await empty(env.REDIS_URL);
    const marker = newMarker();
    const ran = await run(env, marker);
    const nowhere = { redis: [], rabbitMq: [], mongoDb: [], logs: [], metrics: [] };
    expect(await search(env, marker, ran)).toEqual(nowhere);
    // RabbitMQ has the message of another service as that has published it, also after it has become a dead letter.
    const foreign = marker.replace('marker', 'foreign');
    expect(await search(env, foreign, ran)).toEqual({ ...nowhere, rabbitMq: expect.arrayContaining([foreign]) });
  });
}
