import { beforeEach, expect, test } from '@jest/globals';
import { createDeadLetterAdmin } from '../../../src/bridge/redrive/dead-letter-admin.ts';
import { type ExpiredLetters, expireLetters } from '../../../src/bridge/redrive/expire.ts';
import { REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { bury, drain, numbersOf, upTo } from '../../dead-letters.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl } from '../../services.ts';

const DLQ = `${REQUESTS_QUEUE}.dlq`;
const HOUR_MS = 3_600_000;
let url: string;
let client: QueueClient;

beforeEach(async () => {
  url = await testRabbitMqUrl();
  client = await startQueueClient(url);
});

const inQueue = async () => numbersOf(await drain(client, DLQ));
const expire = (
  guard: (expired: ExpiredLetters, remove: () => Promise<void>) => Promise<void> = (_, remove) => remove(),
) => expireLetters({ url }, REQUESTS_QUEUE, Date.now() - HOUR_MS, guard);

test('letters that are too old go, counted by reason; the others stay in their order', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(100), { ageMs: 2 * HOUR_MS });
  await bury(client, REQUESTS_QUEUE, [100, 101], { ageMs: 2 * HOUR_MS, reason: 'not_json' });
  await bury(client, REQUESTS_QUEUE, [102, 103], { ageMs: HOUR_MS / 2 });
  expect(await expire()).toEqual({ count: 102, reasons: { invalid_message: 100, not_json: 2 } });
  expect(await inQueue()).toEqual([102, 103]);
});

test('a letter that does not say since when it is one goes with a later one that is too old', async () => {
  const undated = { properties: { headers: { 'x-dead-letter-at': 'soon' } } };
  await bury(client, REQUESTS_QUEUE, [0], undated);
  await bury(client, REQUESTS_QUEUE, [1], { ageMs: HOUR_MS / 2 });
  await bury(client, REQUESTS_QUEUE, [2], { ageMs: 2 * HOUR_MS });
  await bury(client, REQUESTS_QUEUE, [3], undated);
  expect(await expire()).toMatchObject({ count: 2 });
  expect(await inQueue()).toEqual([1, 3]);
});

test('a letter of RabbitMQ itself goes by the time that RabbitMQ gives', async () => {
  const died = (seconds: number) => ({
    properties: { headers: { 'x-death': [{ reason: 'delivery_limit', time: { '!': 'timestamp', value: seconds } }] } },
  });
  const now = Math.floor(Date.now() / 1000);
  for (const [index, at] of [now - 7_200, now - 60].entries()) {
    client.channel.sendToQueue(DLQ, Buffer.from(`letter ${index}`), died(at).properties);
  }
  await client.channel.waitForConfirms();
  expect(await expire()).toEqual({ count: 1, reasons: { delivery_limit: 1 } });
  expect(await inQueue()).toEqual([1]);
});

test('if it cannot be recorded, all of them stay, and somebody else can have them at once', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(5), { ageMs: 2 * HOUR_MS });
  const unrecorded = expire(async () => {
    throw new Error('the trail is away');
  });
  await expect(unrecorded).rejects.toThrow('the trail is away');
  const { matching } = await createDeadLetterAdmin({ url }).list(REQUESTS_QUEUE, {});
  expect(matching).toBe(5);
  expect(await inQueue()).toEqual(upTo(5));
});

test('where none is too old, nothing is asked and nothing changes', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(3), { ageMs: HOUR_MS / 2 });
  const guard = async () => {
    throw new Error('it must not be called');
  };
  expect(await expire(guard)).toEqual({ count: 0, reasons: {} });
  expect(await inQueue()).toEqual(upTo(3));
});
