import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createBodySeals } from '../../../src/adapters/encryption/body-seals.ts';
import { createDataKeys } from '../../../src/adapters/encryption/data-keys.ts';
import { createConfiguredMasterKeys } from '../../../src/adapters/encryption/master-keys.ts';
import { createRedisDataKeyStore } from '../../../src/adapters/encryption/redis-data-key-store.ts';
import { createTextSeals } from '../../../src/adapters/encryption/text-seals.ts';
import { connectRabbitMq } from '../../../src/adapters/rabbitmq/connection.ts';
import { createDeadLetter, type DeadLetter } from '../../../src/adapters/rabbitmq/dead-letters.ts';
import { createPublisher } from '../../../src/adapters/rabbitmq/publisher.ts';
import { createReplyPublisher, type ReplyPublisher } from '../../../src/adapters/rabbitmq/reply-publisher.ts';
import { createDeadLetterAdmin } from '../../../src/bridge/redrive/dead-letter-admin.ts';
import type { ChatResponse } from '../../../src/contracts/chat-response.ts';
import { redriveOptions, showBodiesOptions, showOptions } from '../../../src/contracts/dead-letters.ts';
import { UndeliverableReplyError } from '../../../src/contracts/errors.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import { sealMessage } from '../../../src/contracts/sealed-message.ts';
import type { BodySeals, TextSeals } from '../../../src/contracts/sealing.ts';
import { captureLog } from '../../captured-log.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

const MARKER = 'a secret illness';

let url: string;
let client: QueueClient;
let bodies: BodySeals;
let texts: TextSeals;
let deadLetter: DeadLetter;
let replies: ReplyPublisher;
let stop: () => Promise<unknown>;

beforeEach(async () => {
  url = await testRabbitMqUrl();
  client = await startQueueClient(url);
  const redis = new Redis(await testRedisUrl());
  const masterKeys = createConfiguredMasterKeys([{ id: 'k1', key: randomBytes(32) }]);
  const dataKeys = createDataKeys({ store: createRedisDataKeyStore({ redis }), masterKeys });
  bodies = createBodySeals(dataKeys);
  texts = createTextSeals(dataKeys);
  const { logger } = captureLog();
  const connection = await connectRabbitMq({ url, name: 'test', logger });
  const publisher = createPublisher({ connection, timeoutMs: 5_000, logger });
  await until('the publisher is ready', () => publisher.ready);
  deadLetter = createDeadLetter({ queue: REQUESTS_QUEUE, publisher, bodies, logger, onDeadLetter: () => {} });
  replies = createReplyPublisher({ connection, publisher, bodies, onDeadLetter: () => {} });
  stop = async () => {
    await publisher.close();
    await connection.close();
    redis.disconnect();
  };
});
afterEach(() => stop());

const delivery = (body: Buffer, headers: Record<string, unknown> = {}) => ({
  body,
  messageId: 'm-1',
  contentEncoding: undefined,
  properties: { messageId: 'm-1', headers: { mine: 'kept', ...headers } } as never,
});

test.each([
  ['a question', Buffer.from(`{"message":"${MARKER}","userId":7}`)],
  ['garbage', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(MARKER)])],
  ['nothing', Buffer.alloc(0)],
])('%s lies encrypted in the dead-letter queue, and is sent back byte for byte', async (_, body) => {
  await deadLetter(delivery(body), 'invalid_message', 'x');
  const withKeys = createDeadLetterAdmin({ url, bodies });
  const without = createDeadLetterAdmin({ url });

  const closed = await without.showBodies(REQUESTS_QUEUE, showBodiesOptions.parse({ full: true }));
  expect(closed.letters).toMatchObject([{ reason: 'invalid_message', encoding: 'base64' }]);
  expect(Buffer.from(closed.letters[0]!.body, 'base64').toString('latin1')).not.toContain(MARKER);
  expect(await without.redrive(REQUESTS_QUEUE, redriveOptions.parse({}))).toMatchObject({
    sent: 0,
    refused: 1,
    left: 1,
  });

  const opened = await withKeys.showBodies(REQUESTS_QUEUE, showBodiesOptions.parse({ full: true }));
  expect(Buffer.from(opened.letters[0]!.body, opened.letters[0]!.encoding === 'base64' ? 'base64' : 'utf8')).toEqual(
    body,
  );
  expect(await withKeys.show(REQUESTS_QUEUE, showOptions.parse({}))).toMatchObject({
    letters: [{ bytes: body.length }],
  });
  expect(await withKeys.redrive(REQUESTS_QUEUE, redriveOptions.parse({}))).toMatchObject({ sent: 1, left: 0 });
  const back = await client.take(REQUESTS_QUEUE);
  expect(back.content).toEqual(body);
  expect(back.properties.headers).toMatchObject({ mine: 'kept', 'x-redrive-count': 1 });
  expect(Object.keys(back.properties.headers!).filter((name) => name.startsWith('x-dead-letter'))).toEqual([]);
});

test('an encrypted letter that a process without this code has sent back can still be opened', async () => {
  const body = Buffer.from(MARKER);
  const sealed = (await bodies.forSealing()).seal(body)!;
  await deadLetter(delivery(sealed, { 'x-dead-letter-sealed': '1' }), 'not_utf8', 'x');
  const { letters } = await createDeadLetterAdmin({ url, bodies }).showBodies(
    REQUESTS_QUEUE,
    showBodiesOptions.parse({}),
  );
  expect(letters).toMatchObject([{ body: MARKER }]);
});

test('an answer that its reply queue did not take lies encrypted, and goes there as it is', async () => {
  const response: ChatResponse = {
    ...{ version: 1, requestId: 'r-1', sessionId: 's-1', userId: 'ann', status: 'completed', response: MARKER },
    ...{ error: null, model: null, provider: null, cached: false, usage: null, finishReason: null },
    ...{ attempts: 1, timings: { waitMs: 0, modelMs: 0, totalMs: 0 }, completedAt: '2026-01-01T00:00:00.000Z' },
  };
  const why = new UndeliverableReplyError('reply_unroutable', 'x');
  await replies.keep(response, { traceparent: '00-0-0-00' }, { to: 'others' }, why);
  const { letters } = await createDeadLetterAdmin({ url }).showBodies(
    RESPONSES_QUEUE,
    showBodiesOptions.parse({ full: true }),
  );
  expect(Buffer.from(letters[0]!.body, 'base64').toString('latin1')).not.toContain(MARKER);
  await client.channel.assertQueue('others');
  await createDeadLetterAdmin({ url, bodies }).redrive(RESPONSES_QUEUE, redriveOptions.parse({}));
  expect(JSON.parse((await client.take('others')).content.toString())).toEqual(response);
});

test('the text that an api has encrypted for its user is shown to somebody with the keys, and others are told why not', async () => {
  const own = await texts.forSealing(['ann']);
  const request = { version: 1 as const, requestId: 'r-1', sessionId: 's-1', userId: 'ann', message: MARKER };
  const sealed = Buffer.from(JSON.stringify(sealMessage(own, 'request', request)));
  expect(sealed.toString()).not.toContain(MARKER);
  await deadLetter(delivery(sealed), 'cannot_be_opened', 'x');
  await deadLetter(delivery(Buffer.from('{"message":"in the clear"}')), 'invalid_message', 'x');
  const shown = async (seals: { bodies?: BodySeals; texts?: TextSeals }) =>
    (await createDeadLetterAdmin({ url, ...seals }).showBodies(REQUESTS_QUEUE, showBodiesOptions.parse({ full: true })))
      .letters;

  const [opened, clear] = await shown({ bodies, texts });
  expect(opened).toMatchObject({ texts: 'opened', encoding: 'utf-8' });
  expect(JSON.parse(opened!.body)).toEqual(request);
  expect(clear).toMatchObject({ texts: 'as_sent', body: '{"message":"in the clear"}' });
  const [closed] = await shown({ bodies });
  expect(closed).toMatchObject({ texts: 'cannot_be_opened' });
  expect(JSON.parse(closed!.body)).toMatchObject({ version: 2, userId: 'ann', sealed: expect.any(String) });
});
