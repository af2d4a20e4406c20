import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import rhea, { type Message } from 'rhea';
import { programs } from '../../tools/services/programs.ts';
import { type RabbitMq, startRabbitMq } from '../../tools/services/rabbitmq.ts';
import { openAmqp10Client } from '../amqp-1-0-client.ts';
import { startWorker, type TestProcess } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

// RabbitMQ 3 speaks AMQP 1.0 with a plugin, which a container's may not have. RabbitMQ 4 always does.
const withServer = programs().rabbitMqServer ? test : test.skip;

const dir = mkdtempSync(join(tmpdir(), 'healify-amqp-1-0-'));
let server: RabbitMq | undefined;
let simulator: TestSimulator;
let worker: TestProcess | undefined;
let client: QueueClient;
let other: Awaited<ReturnType<typeof openAmqp10Client>>;
let addressOf: (queue: string) => string;

beforeAll(async () => {
  simulator = await startSimulator();
  if (!programs().rabbitMqServer) return;
  server = await startRabbitMq({ dir, plugins: ['rabbitmq_amqp1_0'] });
  client = await startQueueClient(server.url);
  const { version } = client.channel.connection.serverProperties;
  addressOf = (queue) => (Number.parseInt(version, 10) >= 4 ? `/queues/${queue}` : `/amq/queue/${queue}`);
  worker = await startWorker({
    RABBITMQ_URL: server.url,
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
  });
  other = await openAmqp10Client(server.url);
}, 180_000);

afterAll(async () => {
  await other?.close();
  await worker?.stop();
  await server?.kill();
  await simulator.stop();
  rmSync(dir, { recursive: true, force: true });
});

const json = (message: string) => JSON.stringify({ sessionId: 's', userId: 'u', message });
const bytes = (text: string) => rhea.message.data_section(Buffer.from(text));
/** Answers are data sections, which is what RabbitMQ makes of other clients' messages. */
const read = (message: Message) => {
  const { content } = message.body as { content: Buffer };
  return JSON.parse(content.toString()) as Record<string, unknown>;
};

withServer.each([
  ['a string', (text: string): Message => ({ body: text })],
  ['bytes', (text: string): Message => ({ body: bytes(text) })],
])('a question whose body is %s is answered to where it asks for', async (kind, toMessage) => {
  const { queue } = await client.channel.assertQueue(`replies-${kind.replaceAll(' ', '-')}`, { durable: true });
  const replyTo = addressOf(queue);
  const replies = await other.receive(replyTo);
  const asked = `What is ${kind}?`;
  await other.send(addressOf('chat_requests'), {
    ...toMessage(json(asked)),
    reply_to: replyTo,
    correlation_id: `call with ${kind}`,
  });
  const reply = await until('the answer', () => replies.shift());
  expect(reply.correlation_id).toBe(`call with ${kind}`);
  expect(read(reply)).toMatchObject({ status: 'completed', response: expect.stringContaining(asked) });
});

withServer.each<[string, string, Message]>([
  ['a map', 'unsupported_amqp_body', { body: { sessionId: 's' } }],
  ['a number', 'unsupported_amqp_body', { body: 7 }],
  ['nothing', 'unsupported_amqp_body', { body: null }],
  ['a string that is no JSON', 'not_json', { body: 'hello' }],
  ['bytes that are no JSON', 'not_json', { body: bytes('hello') }],
])('a body of %s is a dead letter that says so: %s', async (_, reason, message) => {
  await other.send(addressOf('chat_requests'), message);
  const letter = await client.take('chat_requests.dlq', 30_000);
  expect(letter.properties.headers).toMatchObject({ 'x-dead-letter-reason': reason });
});

withServer('an address that nobody can be answered at costs no call, and is kept with the message', async () => {
  // RabbitMQ 3's plugin knows no such address, and refuses the message.
  if (addressOf('') !== '/queues/') return;
  for (const [reply_to, body] of [
    ['amq.rabbitmq.reply-to', json('Who am I?')],
    ['amq.rabbitmq.reply-to', 'no JSON'],
    ['/exchanges/amq.topic/answers', json('Who are you?')],
  ] as const) {
    await other.send('/queues/chat_requests', { body, reply_to });
    const letter = await client.take('chat_requests.dlq', 30_000);
    const { headers, replyTo } = letter.properties;
    expect(headers).toMatchObject({ 'x-dead-letter-reason': 'invalid_reply_to' });
    expect(replyTo ?? headers?.['x-original-reply-to']).toBe(reply_to);
  }
});
