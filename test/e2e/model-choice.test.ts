import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startSimulatorProcess, startWorker } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

interface Provider {
  url: string;
  control: (path: string, body?: object) => Promise<{ started: number }>;
}
async function startProvider(): Promise<Provider> {
  const { url } = await startSimulatorProcess();
  const base = url.replace(/\/v1$/, '/control');
  return {
    url,
    control: async (path, body) =>
      (await fetch(`${base}/${path}`, body && { method: 'PUT', body: JSON.stringify(body) })).json() as never,
  };
}

let first: Provider;
let second: Provider;
let user: TestUser;
let rabbitMqUrl: string;
beforeAll(async () => {
  [first, second] = [await startProvider(), await startProvider()];
  rabbitMqUrl = await testRabbitMqUrl();
  const models = { CHAT_MODEL: 'standard', ALLOWED_MODELS: 'standard, clever' };
  const env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: rabbitMqUrl, ...models };
  const api = await startApi(env);
  await startWorker({
    ...env,
    OPENAI_BASE_URL: first.url,
    OPENAI_API_KEY: 'key-of-the-first',
    MODEL_FALLBACKS: JSON.stringify([
      { name: 'spare', baseUrl: second.url, model: 'spare-model', apiKeyEnv: 'SPARE_KEY' },
    ]),
    SPARE_KEY: 'key-of-the-spare',
    FALLBACK_AFTER_ATTEMPTS: '2',
    RETRY_BASE: '100ms',
    BREAKER_OPEN: '60s',
    BREAKER_MAX_CONSECUTIVE: '2',
  });
  user = await signUp(api.url);
});

test('a request chooses among the allowed models, and is told which there are when it names another', async () => {
  expect(await user.send({ message: 'Hello?', model: 'clever' }, { Prefer: 'wait=20' })).toMatchObject({
    status: 200,
    body: { status: 'completed' },
  });
  const refused = await user.send({ message: 'Hello?', model: 'dearest' });
  expect(refused).toMatchObject({
    status: 400,
    body: {
      code: 'validation_failed',
      errors: [{ path: 'model', message: '`model` must be one of: standard, clever' }],
    },
  });
});

test('a request on the queue that names a model which is not allowed fails, and says so', async () => {
  const requestId = randomUUID();
  const other = await startQueueClient(rabbitMqUrl);
  const { userId } = user;
  const sent = await user.send({ message: 'Mine.' }, { Prefer: 'wait=20' });
  await other.ask({ requestId, sessionId: sent.body.sessionId, userId, message: 'Hello?', model: 'dearest' });
  // Nobody has asked this of the api: its failure is a dead letter there.
  const letter = await other.take('chat_responses.dlq');
  expect(JSON.parse(letter.content.toString())).toMatchObject({
    requestId,
    status: 'failed',
    error: { code: 'model_not_allowed', retryable: false },
  });
});

test('when the first provider is down the next one answers and says so, and its answer is not kept as the first’s', async () => {
  await first.control('behavior', { mode: 'error', status: 503 });
  const message = 'Who answers?';
  const answer = await user.send({ message }, { Prefer: 'wait=20' });
  expect(answer.body).toMatchObject({ status: 'completed', provider: 'spare', cached: false, attempts: 2 });
  await user.send({ message: 'One more.' }, { Prefer: 'wait=20' });

  // The breaker is open by now: the first is passed over.
  const { started } = await first.control('stats');
  const passed = await user.send({ message: 'And now?' }, { Prefer: 'wait=20' });
  expect(passed.body).toMatchObject({ status: 'completed', provider: 'spare', attempts: 1 });
  expect((await first.control('stats')).started).toBe(started);

  const calls = (await second.control('stats')).started;
  const again = await user.send({ message }, { Prefer: 'wait=20' });
  expect(again.body).toMatchObject({ provider: 'spare', cached: false });
  expect((await second.control('stats')).started).toBe(calls + 1);
});
