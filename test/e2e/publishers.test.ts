import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from 'amqplib';
import { leastRights } from '../../src/contracts/broker-rights.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { signUp } from '../api-client.ts';
import { startApi, startScript, startWorker, type TestProcess } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { rabbitMqUrlOf, testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const ANSWERS = 'answers-of-the-crm';
const mayAsk = { configure: '.*', write: '.*', read: '.*' };
const nameIn = (url: string) => new URL(url).username;

let simulator: TestSimulator;
let settings: Record<'REDIS_URL' | 'MODEL_SIMULATOR_URL', string>;
/** Addresses of RabbitMQ, each for a user of its own. */
let urls: Record<'api' | 'worker' | 'dlq' | 'crm' | 'stranger', string>;
let publishers: string;
let owner: QueueClient;
let crm: QueueClient;
let stranger: QueueClient;
let worker: TestProcess;

beforeAll(async () => {
  const vhostUrl = await testRabbitMqUrl();
  owner = await startQueueClient(vhostUrl);
  await owner.channel.assertQueue(ANSWERS);
  simulator = await startSimulator();
  settings = { REDIS_URL: await testRedisUrl(), MODEL_SIMULATOR_URL: simulator.baseUrl };
  const [api, workerUrl, dlq, crmUrl, strangerUrl] = await Promise.all(
    [leastRights.api, leastRights.worker, leastRights.dlq, mayAsk, mayAsk].map((rights) =>
      rabbitMqUrlOf(vhostUrl, rights),
    ),
  );
  urls = { api: api!, worker: workerUrl!, dlq: dlq!, crm: crmUrl!, stranger: strangerUrl! };
  const ours = [urls.api, urls.worker, urls.dlq].map((url) => `${nameIn(url)}:*`);
  publishers = [...ours, `${nameIn(urls.crm)}:tenant-a/*`].join();
  crm = await startQueueClient(urls.crm);
  stranger = await startQueueClient(urls.stranger);
  worker = await startWorker({ ...settings, RABBITMQ_URL: urls.worker, PUBLISHERS: publishers });
});
afterAll(() => simulator?.stop());

const question = (userId: string) => ({
  ...{ requestId: randomUUID(), sessionId: randomUUID(), userId },
  message: `Is ${randomUUID()} healthy?`,
});
const bytes = (value: object) => Buffer.from(JSON.stringify(value));

/** The dead letter with this body, which is removed. */
const letterOf = async (body: Buffer) => {
  const letter = await owner.take(deadLetterQueueOf(REQUESTS_QUEUE));
  expect(letter.content).toEqual(body);
  return letter.properties.headers!;
};

/** The next answer to the other service. */
const answer = async () => JSON.parse((await owner.take(ANSWERS)).content.toString());

const refusals = async () => {
  const metrics = await (await fetch(worker.metricsUrl)).text();
  return Number(/dead_letters_total\{[^}]*reason="publisher_not_allowed"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0);
};

test('a publisher asks for its own users, and what it asks for others is kept, counted, and asks no model', async () => {
  const [before, calls] = [await refusals(), (await simulator.stats()).started];
  await crm.send(REQUESTS_QUEUE, bytes(question('tenant-a/7')), { userId: nameIn(urls.crm), replyTo: ANSWERS });
  expect(await answer()).toMatchObject({ status: 'completed', userId: 'tenant-a/7' });

  const ofAnother = bytes(question('tenant-b/7'));
  const ours = nameIn(urls.api);
  for (const [client, body, properties] of [
    [crm, ofAnother, { userId: nameIn(urls.crm) }],
    [crm, ofAnother, { userId: nameIn(urls.crm), headers: { 'x-original-user-id': ours } }],
    [crm, bytes(question('tenant-a/8')), {}],
    [crm, bytes(question('tenant-a/8')), { headers: { 'x-original-user-id': ours } }],
    [stranger, bytes(question('tenant-a/8')), { userId: nameIn(urls.stranger) }],
  ] as const) {
    await client.send(REQUESTS_QUEUE, body, properties);
    const headers = await letterOf(body);
    expect(headers).toMatchObject({ 'x-dead-letter-reason': 'publisher_not_allowed' });
    expect(headers['x-original-user-id'] ?? '').toContain(('userId' in properties && properties.userId) || '');
  }
  await until('they are counted', async () => (await refusals()) - before === 5);
  expect((await simulator.stats()).started - calls).toBe(1);
});

test('RabbitMQ refuses a publisher that names another one', async () => {
  const connection = await connect(urls.crm);
  connection.on('error', () => {});
  const channel = await connection.createConfirmChannel();
  const refused = new Promise<Error>((resolve) => channel.on('error', resolve));
  channel.sendToQueue(REQUESTS_QUEUE, bytes(question('tenant-b/7')), { userId: nameIn(urls.api) });
  expect(await refused).toMatchObject({ message: expect.stringContaining('user_id') });
  await connection.close();
});

test('questions of an api are answered, because it names itself', async () => {
  const api = await startApi({ ...settings, RABBITMQ_URL: urls.api, PUBLISHERS: publishers });
  const user = await signUp(api.url);
  const answer = await user.send({ message: 'May the api ask?' }, { Prefer: 'wait=20' });
  expect(answer.body).toMatchObject({ status: 'completed' });
  await api.stop();
});

test('a letter that is sent back stays refused until its publisher may ask for its user', async () => {
  await crm.send(REQUESTS_QUEUE, bytes(question('tenant-c/7')), { userId: nameIn(urls.crm), replyTo: ANSWERS });
  const dlq = deadLetterQueueOf(REQUESTS_QUEUE);
  const redrive = async () => {
    await until('it is kept', async () => (await owner.depth(dlq)) === 1);
    const env = { RABBITMQ_URL: urls.dlq, REDIS_URL: await testRedisUrl(), PUBLISHERS: publishers };
    const command = await startScript('src/main/dlq.ts', ['redrive', 'chat_requests'], env);
    await until('the command has ended', () => !command.running);
    expect(command.output()).toContain('1 letter sent back, 0 left');
  };
  await redrive();
  await until('it comes back', async () => (await owner.depth(dlq)) === 1);

  await worker.stop();
  publishers += `,${nameIn(urls.crm)}:tenant-c/*`;
  worker = await startWorker({ ...settings, RABBITMQ_URL: urls.worker, PUBLISHERS: publishers });
  await redrive();
  expect(await answer()).toMatchObject({ status: 'completed', userId: 'tenant-c/7' });
});
