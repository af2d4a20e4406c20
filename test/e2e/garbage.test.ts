import { randomBytes, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from '@jest/globals';
import type { Options } from 'amqplib';
import { REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { startAnsweringWorker } from '../answering-worker.ts';
import type { TestProcess } from '../processes.ts';
import type { QueueClient } from '../queue-client.ts';
import { until } from '../until.ts';

/** Part of every piece of garbage. It must not appear in the log. */
const SECRET = 'my-doctor-said';
const DEAD_LETTERS = `${REQUESTS_QUEUE}.dlq`;

let worker: TestProcess;
let client: QueueClient;

beforeAll(async () => {
  ({ worker, client } = await startAnsweringWorker({ LOG_LEVEL: 'debug' }));
});

const request = { sessionId: 's-1', userId: 'u-1', message: SECRET };
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

const garbage: [what: string, reason: string, body: Buffer, more?: Options.Publish][] = [
  ['an empty body', 'empty', Buffer.alloc(0)],
  ['5 MB of bytes', 'too_large', Buffer.concat([Buffer.from(SECRET), randomBytes(5 * 1024 * 1024)])],
  ['a well-formed message of 5 MB', 'too_large', json({ ...request, padding: 'x'.repeat(5 * 1024 * 1024) })],
  ['text that is not JSON', 'not_json', Buffer.from(`Dear model, ${SECRET} ...`)],
  ['JSON that ends too early', 'not_json', json(request).subarray(0, -2)],
  ['UTF-16 with its byte order mark', 'not_utf8', Buffer.from(`\ufeff${JSON.stringify(request)}`, 'utf16le')],
  ['UTF-16 without', 'not_json', Buffer.from(JSON.stringify(request), 'utf16le')],
  [
    'a character cut in half',
    'not_utf8',
    Buffer.concat([json(request).subarray(0, -2), Buffer.from([0xc3, 0x22, 0x7d])]),
  ],
  ['compressed JSON', 'unsupported_encoding', gzipSync(json(request)), { contentEncoding: 'gzip' }],
  ['an array', 'invalid_message', json([request])],
  ['a number', 'invalid_message', Buffer.from('42')],
  ['null', 'invalid_message', Buffer.from('null')],
  ['a message without a user', 'invalid_message', json({ ...request, userId: undefined })],
  ['a message of the wrong type', 'invalid_message', json({ ...request, message: { text: SECRET } })],
  ['an id of the wrong type', 'invalid_message', json({ ...request, requestId: 17 })],
  ['a blank message', 'invalid_message', json({ ...request, userId: SECRET, message: ' \n ' })],
  ['an id longer than ids may be', 'invalid_message', json({ ...request, sessionId: SECRET.repeat(20) })],
  ['a version that is not supported', 'unsupported_version', json({ ...request, version: 0 })],
];

test.each(garbage)(
  '%s is kept unchanged as %s, and the next good message is answered',
  async (_, reason, body, more: Options.Publish = {}) => {
    const properties = {
      messageId: randomUUID(),
      correlationId: 'theirs',
      contentType: 'application/octet-stream',
      replyTo: 'somewhere',
      type: 'question',
      appId: 'their-service',
      timestamp: 1_700_000_000,
      priority: 3,
      ...more,
    };
    const headers = { 'x-theirs': 'kept', nested: { list: [1, 'two', true, null] } };
    await client.send(REQUESTS_QUEUE, body, { ...properties, headers });
    const requestId = randomUUID();
    await client.ask({ ...request, requestId, message: `${SECRET} ${requestId}` });

    const kept = await client.take(DEAD_LETTERS, 30_000);
    expect(kept.content.equals(body)).toBe(true);
    expect(kept.properties).toMatchObject(properties);
    expect(kept.properties.headers).toMatchObject({
      ...headers,
      'x-dead-letter-reason': reason,
      'x-dead-letter-queue': REQUESTS_QUEUE,
    });
    expect(JSON.stringify(kept.properties)).not.toContain(SECRET);

    const { status, response } = await client.responseTo(requestId);
    expect(status).toBe('completed');
    expect(response).toContain(requestId);
    expect(await client.depth(DEAD_LETTERS)).toBe(0);
    await until('it is logged', () => worker.output().includes('a message was dead-lettered'));
    expect(worker.output()).not.toContain(SECRET);
  },
);

test('garbage is counted by reason', async () => {
  const body = await (await fetch(worker.metricsUrl)).text();
  const count = garbage.filter(([, reason]) => reason === 'not_json').length;
  expect(body).toMatch(new RegExp(`dead_letters_total\\{[^}]*reason="not_json"[^}]*\\} ${count}\\n`));
});
