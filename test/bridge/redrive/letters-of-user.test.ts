import { expect, test } from '@jest/globals';
import { countLetters, eraseLetters, readLetters } from '../../../src/bridge/redrive/letters-of-user.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { plainBodies } from '../../../src/contracts/sealing.ts';
import { drain } from '../../dead-letters.ts';
import { startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl } from '../../services.ts';

test('a letter with the id of a user’s request that says that it is another user’s is neither given nor erased', async () => {
  const url = await testRabbitMqUrl();
  const client = await startQueueClient(url);
  const bury = (body: string) =>
    client.channel.sendToQueue(deadLetterQueueOf(REQUESTS_QUEUE), Buffer.from(body), { messageId: 'one-for-two' });
  bury('{"userId":"bob","message":"what only bob may read"}');
  bury('garbage');
  bury('{"userId":"ann","message":""}');
  await client.channel.waitForConfirms();
  const broker = { url, bodies: plainBodies };
  const ofAnn = { userId: 'ann', requestIds: new Set(['one-for-two']) };

  const given = [];
  for await (const { body } of readLetters(broker, REQUESTS_QUEUE, ofAnn)) given.push(body);
  expect(given).toEqual([undefined, { userId: 'ann', message: '' }]);
  expect(await eraseLetters(broker, REQUESTS_QUEUE, ofAnn)).toBe(2);
  expect(await countLetters(broker, REQUESTS_QUEUE, ofAnn)).toBe(0);
  const left = await drain(client, deadLetterQueueOf(REQUESTS_QUEUE));
  expect(left.map(({ content }) => content.toString())).toEqual([expect.stringContaining('what only bob may read')]);
});
