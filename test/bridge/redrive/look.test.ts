import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from '@jest/globals';
import { openDeadLetters } from '../../../src/adapters/rabbitmq/dead-letter-queue.ts';
import { createDeadLetterAdmin } from '../../../src/bridge/redrive/dead-letter-admin.ts';
import {
  type DeadLetterAdmin,
  letterFilter,
  redriveOptions,
  showBodiesOptions,
  showOptions,
} from '../../../src/contracts/dead-letters.ts';
import { DeadLettersInUseError } from '../../../src/contracts/errors.ts';
import { REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { bury, drain, numbersOf, upTo } from '../../dead-letters.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl } from '../../services.ts';
import { until } from '../../until.ts';

const DLQ = `${REQUESTS_QUEUE}.dlq`;
const all = letterFilter.parse({});
let url: string;
let client: QueueClient;
let admin: DeadLetterAdmin;

beforeEach(async () => {
  url = await testRabbitMqUrl();
  client = await startQueueClient(url);
  admin = createDeadLetterAdmin({ url });
});

test('looking at 1,000 letters over and over neither loses nor moves one, also when new ones come', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(1_000));
  for (let time = 0; time < 3; time++) {
    expect(await admin.list(REQUESTS_QUEUE, all)).toMatchObject({ matching: 1_000, unread: 0 });
    const { letters } = await admin.showBodies(REQUESTS_QUEUE, showBodiesOptions.parse({ limit: 5 }));
    expect(letters.map(({ body }) => body)).toEqual(upTo(5).map((letter) => `letter ${letter}`));
  }
  await bury(client, REQUESTS_QUEUE, [1_000, 1_001]);
  expect(await admin.list(REQUESTS_QUEUE, all)).toMatchObject({ matching: 1_002 });
  expect(numbersOf(await drain(client, DLQ))).toEqual(upTo(1_002));
});

test('a letter can be looked at more often than any default delivery limit allows', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(2));
  for (let time = 0; time < 25; time++) expect(await admin.list(REQUESTS_QUEUE, all)).toMatchObject({ matching: 2 });
});

test('very many letters are all looked at, and none is moved', async () => {
  const many = 25_000;
  await bury(client, REQUESTS_QUEUE, upTo(many));
  for (let time = 0; time < 3; time++) {
    expect(await admin.list(REQUESTS_QUEUE, all)).toMatchObject({ matching: many, read: many, unread: 0 });
  }
  const last = showOptions.parse({ messageId: `m-${many - 1}` });
  expect(await admin.show(REQUESTS_QUEUE, last)).toMatchObject({ matching: 1 });
  expect(numbersOf(await drain(client, DLQ))).toEqual(upTo(many));
});

test('whoever asks the process meanwhile waits for few letters, however many have come', async () => {
  const body = Buffer.alloc(1_000);
  for (const letter of upTo(3_000)) client.channel.sendToQueue(DLQ, body, { messageId: `m-${letter}` });
  await client.channel.waitForConfirms();
  let inTurn = 0;
  let most = 0;
  const letters = await openDeadLetters({
    url,
    queue: REQUESTS_QUEUE,
    onLetter: () => {
      if (inTurn++ === 0) {
        setImmediate(() => {
          most = Math.max(most, inTurn);
          inTurn = 0;
        });
      }
      // Each takes some work, so the others come faster than they are read.
      createHash('sha256').update(Buffer.alloc(50_000)).digest();
    },
  });
  await letters.close();
  expect(letters.read).toBe(3_000);
  expect(most).toBeLessThan(200);
});

test('letters are grouped by cause, the most frequent first, with their ages and an example', async () => {
  await bury(client, REQUESTS_QUEUE, [1], { reason: 'not_json', ageMs: 3_600_000 });
  await bury(client, REQUESTS_QUEUE, [2, 3], { reason: 'invalid_message', ageMs: 60_000 });
  const { groups, queue } = await admin.list(REQUESTS_QUEUE, all);
  expect(queue).toBe(DLQ);
  expect(groups.map(({ reason, count }) => [reason, count])).toEqual([
    ['invalid_message', 2],
    ['not_json', 1],
  ]);
  expect(groups[0]!.detail).toBe('userId: is missing');
  expect(groups[0]!.sender).toEqual({ appId: null, userId: null });
  expect(Date.now() - Date.parse(groups[1]!.oldest!)).toBeGreaterThanOrEqual(3_600_000);
});

test('who sent a letter is shown, as far as it says so', async () => {
  const headers = { 'x-dead-letter-reason': 'not_json', 'x-original-user-id': 'theirs' };
  await client.send(DLQ, Buffer.from('x'), { appId: 'shop', headers });
  const sender = { appId: 'shop', userId: 'theirs' };
  expect((await admin.list(REQUESTS_QUEUE, all)).groups).toMatchObject([{ sender }]);
  expect((await admin.show(REQUESTS_QUEUE, { ...all, limit: 1 })).letters).toMatchObject([{ sender }]);
});

test('a message that killed its consumers is listed with the reason that RabbitMQ gives', async () => {
  await client.send(REQUESTS_QUEUE, Buffer.from('poison'));
  for (let time = 0; time <= 50; time++) {
    const poison = await client.channel.get(REQUESTS_QUEUE);
    if (poison) client.channel.nack(poison, false, true);
  }
  const dead = await client.take(DLQ);
  await client.send(DLQ, dead.content, dead.properties as object);
  const { groups } = await admin.list(REQUESTS_QUEUE, all);
  expect(groups).toMatchObject([{ reason: 'delivery_limit', count: 1 }]);
  expect(Math.abs(Date.now() - Date.parse(groups[0]!.oldest!))).toBeLessThan(120_000);
});

test('letters are chosen by reason, by age and by message id', async () => {
  await bury(client, REQUESTS_QUEUE, [1, 2], { reason: 'not_json', ageMs: 2 * 3_600_000 });
  await bury(client, REQUESTS_QUEUE, [3], { reason: 'not_json' });
  await bury(client, REQUESTS_QUEUE, [4], { reason: 'empty', ageMs: 2 * 3_600_000 });
  await client.send(DLQ, Buffer.from('letter 5'));
  const chosen = async (filter: object) =>
    (await admin.show(REQUESTS_QUEUE, showOptions.parse(filter))).letters.map(({ messageId }) =>
      Number(messageId?.slice(2) ?? 5),
    );
  expect(await chosen({ reason: 'not_json' })).toEqual([1, 2, 3]);
  expect(await chosen({ olderThan: '1h' })).toEqual([1, 2, 4]);
  expect(await chosen({ newerThan: '1h' })).toEqual([3]);
  expect(await chosen({ reason: 'not_json', olderThan: '1h' })).toEqual([1, 2]);
  expect(await chosen({ messageId: 'm-4' })).toEqual([4]);
  expect(await chosen({ reason: 'unknown' })).toEqual([5]);
  expect(await chosen({ limit: 2 })).toEqual([1, 2]);
});

test('somebody who may read the queue sees a letter’s headers, and its body as text or, where it is none, in base64', async () => {
  const properties = { messageId: 'theirs', correlationId: 'c', headers: { 'x-redrive-count': 2, theirs: 'kept' } };
  await client.send(DLQ, Buffer.from([0xff, 0xfe, 0x00]), properties);
  await client.send(DLQ, Buffer.from('é'.repeat(5_000)));
  const { letters } = await admin.showBodies(REQUESTS_QUEUE, showBodiesOptions.parse({}));
  expect(letters[0]).toMatchObject({
    messageId: 'theirs',
    redriveCount: 2,
    bytes: 3,
    properties: { correlationId: 'c' },
    headers: { theirs: 'kept' },
    body: '//4A',
    encoding: 'base64',
    truncated: false,
  });
  expect(letters[1]).toMatchObject({ bytes: 10_000, encoding: 'utf-8', truncated: true });
  const full = await admin.showBodies(REQUESTS_QUEUE, showBodiesOptions.parse({ full: true }));
  expect(full.letters[1]).toMatchObject({ body: 'é'.repeat(5_000), truncated: false });
});

test('others see what a letter looks like, and no text of a user', async () => {
  const secret = 'my secret question';
  const question = { sessionId: 's', message: secret, context: [{ role: 'user', content: secret }], cache: null };
  const headers = { 'x-dead-letter-reason': 'invalid_message', 'x-redrive-count': 1, theirs: secret };
  const send = (body: Buffer) => client.send(DLQ, body, { correlationId: 'c', headers });
  await send(Buffer.from(JSON.stringify({ ...question, [secret]: 1 })));
  for (const body of [`"${secret}"`, `{"message":"${secret}`, '[]', 'null', '']) await send(Buffer.from(body));
  await send(Buffer.from([0xff, 0xfe, 0x00]));
  const { letters } = await admin.show(REQUESTS_QUEUE, showOptions.parse({}));
  expect(letters[0]).toMatchObject({
    ...{ reason: 'invalid_message', redriveCount: 1, encoding: 'utf-8', properties: { correlationId: 'c' } },
    headers: { 'x-dead-letter-reason': 'invalid_message', 'x-redrive-count': 1 },
    outline: {
      fields: [
        { name: 'sessionId', type: 'string', length: 1 },
        { name: 'message', type: 'string', length: secret.length },
        { name: 'context', type: 'array', length: 1 },
        { name: 'cache', type: 'null', length: null },
      ],
      otherFields: 1,
    },
  });
  expect(letters.slice(1).map(({ outline }) => outline)).toEqual(Array(6).fill(null));
  expect(letters.at(-1)).toMatchObject({ encoding: 'binary', bytes: 3 });
  expect(JSON.stringify(letters)).not.toContain('secret');
});

test('a second reader is told that the letters are in use, and gets them afterwards', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(20));
  const slow = admin.redrive(REQUESTS_QUEUE, redriveOptions.parse({ rate: 4, limit: 15 }));
  await until('it has the letters', async () => (await client.depth(DLQ)) === 0);
  await expect(admin.list(REQUESTS_QUEUE, all)).rejects.toThrow(DeadLettersInUseError);
  expect(await slow).toMatchObject({ sent: 15 });
  expect(await admin.list(REQUESTS_QUEUE, all)).toMatchObject({ matching: 5 });
});
