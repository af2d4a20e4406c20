import { beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisAuditStore } from '../../src/adapters/audit/redis-audit-store.ts';
import { REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { bury, drain, numbersOf, upTo } from '../dead-letters.ts';
import { startScript } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

const DLQ = `${REQUESTS_QUEUE}.dlq`;
let url: string;
let redisUrl: string;
let client: QueueClient;

beforeAll(async () => {
  [url, redisUrl] = [await testRabbitMqUrl(), await testRedisUrl()];
  client = await startQueueClient(url);
});

async function dlq(...args: string[]) {
  const script = await startScript('src/main/dlq.ts', args, { RABBITMQ_URL: url, REDIS_URL: redisUrl });
  await script.exited;
  return { code: script.exitCode, output: script.output() };
}

test('the command line lists, shows, sends back and drops', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(3), { reason: 'not_json' });
  await bury(client, REQUESTS_QUEUE, [3], { reason: 'empty', ageMs: 7_200_000 });

  const list = await dlq('list');
  expect(list.code).toBe(0);
  expect(list.output).toMatch(
    /chat_requests\.dlq: 4 letters\n\s+COUNT\s+REASON.*\n\s+3\s+not_json .*userId: is missing/,
  );
  expect(list.output).toContain('chat_responses.dlq: no letters');

  const show = await dlq('show', REQUESTS_QUEUE, '--limit', '1', '--because', 'Who sends these?');
  expect(show.output).toContain('1 of 4 letters');
  expect(show.output).toContain('letter 0');

  expect((await dlq('redrive', REQUESTS_QUEUE, '--dry-run')).output).toContain('4 letters to redrive; nothing');
  expect(await dlq('redrive', REQUESTS_QUEUE, '--reason', 'not_json')).toMatchObject({
    code: 0,
    output: expect.stringContaining('3 letters sent back, 0 left'),
  });
  expect(numbersOf(await drain(client, REQUESTS_QUEUE))).toEqual(upTo(3));

  expect(await dlq('drop', REQUESTS_QUEUE, '--older-than', '1h', '--yes')).toMatchObject({
    code: 0,
    output: expect.stringContaining('1 letter dropped, 0 left'),
  });
  expect(await client.depth(DLQ)).toBe(0);

  const redis = new Redis(redisUrl);
  const recorded: object[] = [];
  for await (const { text } of createRedisAuditStore({ redis }).read(1)) recorded.push(JSON.parse(text));
  await redis.quit();
  const [actor, subject] = [
    { kind: 'command', command: 'dlq' },
    { kind: 'queue', id: DLQ },
  ];
  expect(recorded).toMatchObject([
    { action: 'text.view', outcome: 'begun', actor, subject, details: { reason: 'Who sends these?' } },
    { action: 'text.view', outcome: 'done', details: { count: 1 } },
    { action: 'dead_letter.redrive', outcome: 'begun', actor, subject, details: { filter: { reason: 'not_json' } } },
    { action: 'dead_letter.redrive', outcome: 'done', details: { count: 3, matching: 3 } },
    { action: 'dead_letter.drop', outcome: 'begun', actor, subject, details: { filter: { olderThan: 3_600_000 } } },
    { action: 'dead_letter.drop', outcome: 'done', details: { count: 1 } },
  ]);
});

test('programs get JSON', async () => {
  await bury(client, REQUESTS_QUEUE, [1]);
  const { output } = await dlq('list', '--json');
  expect(JSON.parse(output)).toMatchObject([{ queue: DLQ, matching: 1 }, { matching: 0 }]);
  await drain(client, DLQ);
});

test('the content of a letter cannot control the terminal', async () => {
  await client.send(DLQ, Buffer.from('\u001b[2Jgone'), { headers: { 'x-dead-letter-reason': '\u001b]0;title\u0007' } });
  for (const command of [['list'], ['show', REQUESTS_QUEUE]]) {
    const { output } = await dlq(...command);
    expect(output).toContain('\\x1b');
    expect(output).not.toContain('\u001b');
  }
  await drain(client, DLQ);
});

test('a redrive whose canary fails ends with 1', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(5));
  const { consumerTag } = await client.channel.consume(REQUESTS_QUEUE, (message) => {
    if (!message) return;
    client.channel.sendToQueue(DLQ, message.content, { ...message.properties, persistent: true });
    client.channel.ack(message);
  });
  const { code, output } = await dlq('redrive', REQUESTS_QUEUE, '--canary', '1');
  await client.channel.cancel(consumerTag);
  expect(output).toContain('1 letter sent back, 4 left\n  the canary failed\n  stopped: 1 of the canary');
  expect(code).toBe(1);
  expect(await drain(client, DLQ)).toHaveLength(5);
});

test.each([
  [[], 'a command is missing'],
  [['burn', REQUESTS_QUEUE], 'there is no command burn'],
  [['redrive'], 'of which queue?'],
  [['list', 'orders'], 'there is no queue orders'],
  [['drop', REQUESTS_QUEUE], 'add --yes'],
  [['list', '--limit', '3'], '--limit does not belong to list'],
  [['redrive', REQUESTS_QUEUE, '--older-than', 'yesterday'], '--older-than: must be an age'],
  [['redrive', REQUESTS_QUEUE, '--canary', '0'], '--canary'],
  [['list', '--frobnicate'], 'frobnicate'],
])('%j is not understood, which ends with 2', async (args, message) => {
  const { code, output } = await dlq(...args);
  expect(output).toContain(message);
  expect(output).toContain('--help');
  expect(code).toBe(2);
});

test('a broker that is away ends the command with 1 and a reason', async () => {
  const script = await startScript('src/main/dlq.ts', ['list'], { RABBITMQ_URL: 'amqp://127.0.0.1:1' });
  await script.exited;
  expect(script.output()).toContain('broker_unavailable: RabbitMQ: connect ECONNREFUSED');
  expect(script.exitCode).toBe(1);
});
