import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Channel, connect } from 'amqplib';
import { createDeadLetterAdmin } from '../../src/bridge/redrive/dead-letter-admin.ts';
import {
  type BrokerRights,
  declaringRights,
  grantCommand,
  leastRights,
  lockOf,
} from '../../src/contracts/broker-rights.ts';
import { redriveOptions } from '../../src/contracts/dead-letters.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../src/contracts/queues.ts';
import { freePort } from '../../tools/services/free-port.ts';
import { signUp } from '../api-client.ts';
import { bury } from '../dead-letters.ts';
import { startApi, startScript, startWorker } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { rabbitMqUrlOf, testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { MESSAGE_SIGNING_KEY } from '../signing.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let vhostUrl: string;
let client: QueueClient;
let simulator: TestSimulator;
const urls: Partial<Record<'api' | 'worker' | 'dlq', string>> = {};

beforeAll(async () => {
  vhostUrl = await testRabbitMqUrl();
  // Somebody else has declared the queues.
  client = await startQueueClient(vhostUrl);
  simulator = await startSimulator();
  for (const name of ['api', 'worker', 'dlq'] as const) urls[name] = await rabbitMqUrlOf(vhostUrl, leastRights[name]);
});
afterAll(() => simulator?.stop());

test('with exactly the least rights a question is answered, unreadable messages are kept, and nothing is missed', async () => {
  const common = { REDIS_URL: await testRedisUrl(), MODEL_SIMULATOR_URL: simulator.baseUrl };
  const [api, worker] = await Promise.all([
    startApi({ ...common, RABBITMQ_URL: urls.api! }),
    startWorker({ ...common, RABBITMQ_URL: urls.worker! }),
  ]);
  const user = await signUp(api.url);
  const answer = await user.send({ message: 'Is this little enough?' }, { Prefer: 'wait=20' });
  expect(answer.body).toMatchObject({ status: 'completed' });
  for (const queue of [REQUESTS_QUEUE, RESPONSES_QUEUE] as const) {
    await client.send(queue, Buffer.from('garbage'));
    await until('it is kept', async () => (await client.depth(deadLetterQueueOf(queue))) === 1);
  }
  const { replyTo, answered } = await directReply();
  await client.send(REQUESTS_QUEUE, Buffer.from('{"sessionId":"s","userId":"u","message":"And to me?"}'), { replyTo });
  await answered;
  for (const { url, output } of [api, worker]) {
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect(output()).not.toMatch(/lacks the|ACCESS_REFUSED|ACCESS-REFUSED/);
  }
  await Promise.all([api.stop(), worker.stop()]);
});

/** A client that wants its answer on the channel that it asks on. */
async function directReply() {
  const answered = Promise.withResolvers<void>();
  await client.channel.consume('amq.rabbitmq.reply-to', () => answered.resolve(), { noAck: true });
  return { replyTo: 'amq.rabbitmq.reply-to', answered: answered.promise };
}

test.each(['api', 'dlq'] as const)('with the rights of %s dead letters are looked at and sent back', async (name) => {
  await client.channel.purgeQueue(deadLetterQueueOf(REQUESTS_QUEUE));
  await bury(client, REQUESTS_QUEUE, [1, 2]);
  const admin = createDeadLetterAdmin({ url: urls[name]! });
  expect((await admin.list(REQUESTS_QUEUE, {})).matching).toBe(2);
  expect(await admin.redrive(REQUESTS_QUEUE, redriveOptions.parse({}))).toMatchObject({ sent: 2, left: 0 });
  await client.channel.purgeQueue(REQUESTS_QUEUE);
});

test('whoever may not look at dead letters is told which right is missing, and how to grant it', async () => {
  const url = await rabbitMqUrlOf(vhostUrl, { ...leastRights.dlq, read: '^$' });
  await bury(client, REQUESTS_QUEUE, [1]);
  await expect(createDeadLetterAdmin({ url }).list(REQUESTS_QUEUE, {})).rejects.toThrow(
    /lacks the read right on the queue chat_requests\.dlq; grant it with: rabbitmqctl set_permissions -p test-/,
  );
});

test.each([
  ['api', 'take questions', (channel: Channel) => channel.get(REQUESTS_QUEUE)],
  ['worker', 'take answers', (channel: Channel) => channel.get(RESPONSES_QUEUE)],
  ['worker', 'take dead letters', (channel: Channel) => channel.get(deadLetterQueueOf(REQUESTS_QUEUE))],
  ['dlq', 'take questions', (channel: Channel) => channel.get(REQUESTS_QUEUE)],
  ['api', 'delete a queue', (channel: Channel) => channel.deleteQueue(RESPONSES_QUEUE)],
  ['worker', 'delete a queue', (channel: Channel) => channel.deleteQueue(REQUESTS_QUEUE)],
  ['worker', 'empty the queue of answers', (channel: Channel) => channel.purgeQueue(RESPONSES_QUEUE)],
  ['api', 'declare a queue of its own', (channel: Channel) => channel.assertQueue('another')],
  ['worker', 'lock the dead letters', (channel: Channel) => channel.assertQueue(lockOf(REQUESTS_QUEUE))],
  ['worker', 'bind an exchange', (channel: Channel) => channel.bindQueue(REQUESTS_QUEUE, 'amq.topic', '#')],
] as const)('RabbitMQ does not let the %s %s', async (name, _, attempt) => {
  const connection = await connect(urls[name]!);
  connection.on('error', () => {});
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  await expect(attempt(channel)).rejects.toThrow('ACCESS_REFUSED');
  await connection.close();
});

/** Starts a process that cannot become ready, and gives what it says once it has said it. */
async function complaintOf(name: 'api' | 'worker', rabbitMqUrl: string, complaint: RegExp) {
  const port = await freePort();
  const prefix = name.toUpperCase();
  const child = await startScript(`src/main/${name}.ts`, [], {
    HOST: '127.0.0.1',
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    MESSAGE_SIGNING_KEY,
    [`${prefix}_PORT`]: String(port),
    [`${prefix}_METRICS_PORT`]: String(await freePort()),
  });
  const said = await until(`it says ${complaint}`, () =>
    child
      .output()
      .split('\n')
      .find((line) => complaint.test(line)),
  );
  await until(
    'its health shows it',
    async () => (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.status === 503,
  );
  expect(child.running).toBe(true);
  await child.stop();
  return said;
}

test.each([
  ['api', 'read', 'queue chat_responses'],
  ['worker', 'read', 'queue chat_requests'],
  ['api', 'write', 'exchange amq.default'],
  ['worker', 'write', 'exchange amq.default'],
] as const)(
  'an %s without the %s right on the %s names it at start, with the command that grants it',
  async (name, right, what) => {
    const rights: BrokerRights = { ...leastRights[name], [right]: '^$' };
    const url = await rabbitMqUrlOf(vhostUrl, rights);
    const { username, pathname } = new URL(url);
    const line = await complaintOf(name, url, new RegExp(`lacks the ${right} right on the ${what}`));
    const command = grantCommand(leastRights[name], { vhost: pathname.slice(1), user: username });
    expect(JSON.parse(line).msg).toContain(command);
  },
);

test('a queue that is not there and may not be declared is named, with the command that lets it be declared', async () => {
  const empty = await testRabbitMqUrl();
  const url = await rabbitMqUrlOf(empty, leastRights.worker);
  const line = await complaintOf('worker', url, /there is no queue chat_requests\.dlq/);
  const { username, pathname } = new URL(url);
  expect(JSON.parse(line).reason).toContain(
    grantCommand(declaringRights, { vhost: pathname.slice(1), user: username }),
  );
});

test('a virtual host that the user may not use is named', async () => {
  const url = new URL(await rabbitMqUrlOf(vhostUrl, leastRights.worker));
  url.pathname = new URL(await testRabbitMqUrl()).pathname;
  const line = await complaintOf('worker', url.href, /refuses the virtual host/);
  expect(JSON.parse(line).reason).toContain(
    `virtual host ${url.pathname.slice(1)}: it is not there, or the user may not`,
  );
});

test('the documentation has these rights', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
  for (const [name, rights] of Object.entries({ ...leastRights, declare: declaringRights })) {
    expect(text).toContain(grantCommand(rights, { vhost: '/', user: `healify-${name}` }));
  }
});
