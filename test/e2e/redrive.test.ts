import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import { createDeadLetterAdmin } from '../../src/bridge/redrive/dead-letter-admin.ts';
import { type DeadLetterAdmin, redriveOptions } from '../../src/contracts/dead-letters.ts';
import { REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { startAnsweringWorker } from '../answering-worker.ts';
import { upTo } from '../dead-letters.ts';
import type { QueueClient } from '../queue-client.ts';

const DLQ = `${REQUESTS_QUEUE}.dlq`;
let client: QueueClient;
let admin: DeadLetterAdmin;

beforeAll(async () => {
  const started = await startAnsweringWorker();
  ({ client } = started);
  admin = createDeadLetterAdmin({ url: started.rabbitMqUrl, canaryTimes: { settleMs: 5_000, timeoutMs: 20_000 } });
});

const redrive = (options: object) => admin.redrive(REQUESTS_QUEUE, redriveOptions.parse(options));

test('questions that are redriven are answered, each once; those that still cannot be read come back', async () => {
  const requestIds = upTo(10).map(() => randomUUID());
  const dead = (reason: string) => ({ headers: { 'x-dead-letter-reason': reason } });
  for (const requestId of requestIds) {
    const question = { requestId, sessionId: 's', userId: 'u', message: `What about ${requestId}?` };
    await client.send(DLQ, Buffer.from(JSON.stringify(question)), dead('handler_failed'));
  }
  for (const _ of upTo(3)) await client.send(DLQ, Buffer.from('{'), dead('not_json'));

  expect(await redrive({ reason: 'not_json', canary: 1 })).toMatchObject({ canary: 'failed', sent: 1, left: 2 });
  expect(await redrive({ reason: 'handler_failed', canary: 2 })).toMatchObject({ canary: 'passed', sent: 10, left: 0 });
  for (const requestId of requestIds) {
    expect(await client.responseTo(requestId)).toMatchObject({ status: 'completed' });
  }
  expect(client.responses).toHaveLength(requestIds.length);
  const { groups } = await admin.list(REQUESTS_QUEUE, {});
  expect(groups).toMatchObject([{ reason: 'not_json', count: 3 }]);
});

test('a question that is in both queues after an interrupted redrive is answered once', async () => {
  const before = client.responses.length;
  const question = { sessionId: 's', userId: 'u', message: `No id, twice: ${randomUUID()}` };
  const body = Buffer.from(JSON.stringify(question));
  await client.send(REQUESTS_QUEUE, body);
  await client.send(DLQ, body, { headers: { 'x-dead-letter-reason': 'handler_failed' } });
  expect(await redrive({ reason: 'handler_failed', canary: 1 })).toMatchObject({ canary: 'passed', sent: 1 });
  const last = randomUUID();
  await client.ask({ requestId: last, sessionId: 's2', userId: 'u', message: `Last: ${last}` });
  await client.responseTo(last);
  expect(client.responses.slice(before).filter(({ requestId }) => requestId !== last)).toHaveLength(1);
});
