import { beforeEach, expect, test } from '@jest/globals';
import { createLettersOfUsers, type OwnLetter } from '../../../src/bridge/redrive/letters-of-user.ts';
import { UnseenDeadLettersError } from '../../../src/contracts/errors.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { plainBodies } from '../../../src/contracts/sealing.ts';
import { drain } from '../../dead-letters.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl } from '../../services.ts';

const DLQ = deadLetterQueueOf(REQUESTS_QUEUE);
let client: QueueClient;
let broker: { url: string; bodies: typeof plainBodies };
beforeEach(async () => {
  const url = await testRabbitMqUrl();
  client = await startQueueClient(url);
  broker = { url, bodies: plainBodies };
});

async function bury(...bodies: string[]): Promise<void> {
  for (const body of bodies) client.channel.sendToQueue(DLQ, Buffer.from(body), { messageId: 'one-for-two' });
  await client.channel.waitForConfirms();
}
const of = (userId: string, ...requestIds: string[]) => ({ userId, requestIds: new Set(requestIds) });

async function all(letters: AsyncIterable<OwnLetter>, given: unknown[] = []): Promise<unknown[]> {
  for await (const { body } of letters) given.push(body);
  return given;
}

test('a letter with the id of a user’s request that says that it is another user’s is neither given nor erased', async () => {
  await bury('{"userId":"bob","message":"what only bob may read"}', 'garbage', '{"userId":"ann","message":""}');
  const letters = createLettersOfUsers({ broker });
  const ofAnn = of('ann', 'one-for-two');
  expect(await all(letters.read(REQUESTS_QUEUE, ofAnn))).toEqual([undefined, { userId: 'ann', message: '' }]);
  expect(await letters.erase(REQUESTS_QUEUE, ofAnn)).toEqual({ count: 2, unread: 0 });
  expect(await letters.find(REQUESTS_QUEUE, ofAnn)).toEqual({ count: 0, unread: 0 });
  const left = await drain(client, DLQ);
  expect(left.map(({ content }) => content.toString())).toEqual([expect.stringContaining('what only bob may read')]);
});

test('those who ask at the same time share a look, and each gets what is theirs', async () => {
  await bury('{"userId":"ann"}', '{"userId":"bob"}', '{"userId":"ann"}');
  let looks = 0;
  const around = async <T>(look: () => Promise<T>) => {
    looks += 1;
    return await look();
  };
  const letters = createLettersOfUsers({ broker, around });
  const asked = Array.from({ length: 30 }, (_, i) => letters.find(REQUESTS_QUEUE, of(i % 2 ? 'ann' : 'bob')));
  const [erased, ...found] = await Promise.all([letters.erase(REQUESTS_QUEUE, of('ann')), ...asked]);
  expect(looks).toBe(1);
  expect(erased).toEqual({ count: 2, unread: 0 });
  expect(found.map(({ count }) => count)).toEqual(Array.from({ length: 30 }, (_, i) => (i % 2 ? 2 : 1)));
  expect((await drain(client, DLQ)).map(({ content }) => content.toString())).toEqual(['{"userId":"bob"}']);
});

test('letters behind thousands of others are found, given and erased', async () => {
  await bury(...Array.from({ length: 12_000 }, (_, i) => `{"userId":"somebody","message":"${i}"}`));
  await bury('{"userId":"ann"}');
  const letters = createLettersOfUsers({ broker });
  expect(await all(letters.read(REQUESTS_QUEUE, of('ann')))).toEqual([{ userId: 'ann' }]);
  expect(await letters.erase(REQUESTS_QUEUE, of('ann'))).toEqual({ count: 1, unread: 0 });
  expect(await letters.find(REQUESTS_QUEUE, of('ann'))).toEqual({ count: 0, unread: 0 });
  expect((await drain(client, DLQ)).map(({ content }) => JSON.parse(content.toString()).message)).toEqual(
    Array.from({ length: 12_000 }, (_, i) => String(i)),
  );
});

test('where there are too many letters, those that can be seen are given and erased, and it says that some were not seen', async () => {
  await bury('{"userId":"ann","message":"1"}', '{"userId":"bob"}', '{"userId":"ann","message":"2"}');
  const letters = createLettersOfUsers({ broker, most: 2 });
  const given: unknown[] = [];
  await expect(all(letters.read(REQUESTS_QUEUE, of('ann')), given)).rejects.toBeInstanceOf(UnseenDeadLettersError);
  expect(given).toEqual([{ userId: 'ann', message: '1' }]);
  expect(await letters.erase(REQUESTS_QUEUE, of('ann'))).toEqual({ count: 1, unread: 1 });
  // Once there are fewer, the rest is reached.
  expect(await letters.erase(REQUESTS_QUEUE, of('ann'))).toEqual({ count: 1, unread: 0 });
});

test('letters that come because others are removed do not count as removed', async () => {
  const letters = createLettersOfUsers({ broker, most: 50 });
  await bury(...Array.from({ length: 100 }, (_, i) => `{"userId":"ann","message":"${i}"}`));
  expect(await letters.erase(REQUESTS_QUEUE, of('ann'))).toEqual({ count: 50, unread: 50 });
  expect(await letters.erase(REQUESTS_QUEUE, of('ann'))).toEqual({ count: 50, unread: 0 });
  expect(await drain(client, DLQ)).toEqual([]);
});
