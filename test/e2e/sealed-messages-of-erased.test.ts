import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { SIGNATURE_HEADER } from '../../src/contracts/answer-signature.ts';
import type { Erasure } from '../../src/contracts/erasures.ts';
import { readChatRequest } from '../../src/contracts/read-chat-request.ts';
import { readChatResponse } from '../../src/contracts/read-chat-response.ts';
import { sealMessage } from '../../src/contracts/sealed-message.ts';
import { call, signUp } from '../api-client.ts';
import { startApi, startWorker } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { newMasterKey, openSeals } from '../seals.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { signatures } from '../signing.ts';
import { startSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

test('messages that were sealed for an erased user end without a text, and are no dead letters', async () => {
  const ENCRYPTION_KEYS = newMasterKey();
  const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl(), ENCRYPTION_KEYS };
  const redis = new Redis(env.REDIS_URL);
  const simulator = await startSimulator();
  const [api] = await Promise.all([startApi(env), startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl })]);
  const client = await startQueueClient(env.RABBITMQ_URL);
  const user = await signUp(api.url);

  // They were sealed before, and come only after the key was destroyed.
  const own = await openSeals(redis, ENCRYPTION_KEYS).seals.forSealing([user.userId]);
  const ids = { requestId: randomUUID(), sessionId: randomUUID(), userId: user.userId };
  const request = readChatRequest({ body: Buffer.from(JSON.stringify({ ...ids, message: 'What is it?' })) });
  const response = readChatResponse({
    body: Buffer.from(
      JSON.stringify({
        ...{ ...ids, requestId: randomUUID(), status: 'completed', response: 'It is this.', attempts: 1 },
        ...{ timings: { waitMs: 1, modelMs: 1, totalMs: 2 }, completedAt: new Date().toISOString() },
      }),
    ),
  });
  const sealedRequest = Buffer.from(JSON.stringify(sealMessage(own, 'request', request)));
  const sealedResponse = Buffer.from(JSON.stringify(sealMessage(own, 'response', response)));
  expect(sealedRequest.includes('sealed')).toBe(true);

  const erased = await call(`${api.url}/account`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${user.accessToken}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ password: 'three-brown-otters' }),
  });
  const { erasureId } = erased.body as unknown as Erasure;
  await until('the key is destroyed', async () => {
    return ((await call(`${api.url}/erasures/${erasureId}`)).body as unknown as Erasure).state === 'erased';
  });

  const replyTo = `reply-${randomUUID()}`;
  await client.channel.assertQueue(replyTo, { exclusive: true });
  await client.send('chat_requests', sealedRequest, { replyTo, correlationId: 'c' });
  const answer = JSON.parse((await client.take(replyTo)).content.toString());
  expect(answer).toMatchObject({ requestId: ids.requestId, status: 'cancelled', response: null });
  expect((await simulator.stats()).started).toBe(0);

  await client.send('chat_responses', sealedResponse, {
    headers: { [SIGNATURE_HEADER]: signatures.sign(sealedResponse) },
  });
  const metrics = async () => (await fetch(api.metricsUrl)).text();
  await until('the answer was dropped', async () => /outcome="unknown".*\} [1-9]/.test(await metrics()));
  for (const queue of ['chat_requests.dlq', 'chat_responses.dlq']) expect(await client.depth(queue)).toBe(0);
  redis.disconnect();
  await simulator.stop();
});
