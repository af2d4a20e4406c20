import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { failures } from '../../src/contracts/error-codes.ts';
import { startScript, startWorker, type TestProcess } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { completion, type ScriptedReply, startScriptedProvider } from '../scripted-provider.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

const KEY = 'sk-secret-of-the-first';
const refused: ScriptedReply = {
  status: 401,
  body: { error: { code: 'invalid_api_key', message: `Incorrect API key provided: ${KEY}` } },
};

let worker: TestProcess;
let client: QueueClient;
let redisUrl: string;
let provider: Awaited<ReturnType<typeof startScriptedProvider>>;
const script: ScriptedReply[] = [refused];

beforeAll(async () => {
  const rabbitMqUrl = await testRabbitMqUrl();
  redisUrl = await testRedisUrl();
  provider = await startScriptedProvider(...script);
  worker = await startWorker({
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: redisUrl,
    OPENAI_BASE_URL: provider.baseUrl,
    OPENAI_API_KEY: KEY,
    CHAT_MODEL: 'asked',
    BREAKER_OPEN: '10m',
    CACHE_ENABLED: 'false',
  });
  client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
});
afterAll(async () => {
  await worker?.stop();
  await provider?.stop();
});

const ask = async () => {
  const request = { requestId: randomUUID(), sessionId: randomUUID(), userId: randomUUID(), message: 'Is it?' };
  await client.ask(request);
  return await client.responseTo(request.requestId);
};

async function gates(...args: string[]) {
  const command = await startScript('src/main/gates.ts', args, { REDIS_URL: redisUrl });
  await command.exited;
  return { code: command.exitCode, output: command.output() };
}

const metrics = async () => await (await fetch(worker.metricsUrl)).text();

test('a refused key fails requests at once, in words for users, until an operator has it asked again', async () => {
  const first = await ask();
  expect(first).toMatchObject({
    status: 'failed',
    error: { code: 'model_provider_broken', message: failures.model_provider_broken.message, retryable: false },
    provider: '127.0.0.1',
    attempts: 1,
  });
  const second = await ask();
  expect(second).toMatchObject({ status: 'failed', error: { code: 'model_provider_broken' }, provider: '127.0.0.1' });
  expect(provider.received).toHaveLength(1);
  expect(`${JSON.stringify([first, second])} ${worker.output()}`).not.toContain(KEY);

  expect(await metrics()).toMatch(/healify_model_provider_broken\{.*cause="key".*\} 1/);
  const said = worker
    .output()
    .split('\n')
    .find((line) => line.includes('fails every request'));
  expect(said).toMatch(/"cause":"key".*"keyFingerprint":"[0-9a-f]{8}"/);

  const { output } = await gates('list');
  expect(output).toMatch(/^127\.0\.0\.1\/asked: shut because of key, since .* until .*, key [0-9a-f]{8}$/m);
  provider.answerNow({ body: completion('42') });
  expect(await gates('open', '127.0.0.1/asked')).toMatchObject({ code: 0, output: expect.stringContaining('asked') });
  await until('the worker knows', async () => /provider_broken\{.*cause="key".*\} 0/.test(await metrics()));
  expect(await ask()).toMatchObject({ status: 'completed', response: '42' });
  expect((await gates('list')).output).toContain('127.0.0.1/asked: open');
  expect(await gates('open', 'nobody/nothing')).toMatchObject({ code: 1 });
  expect(await gates('shut')).toMatchObject({ code: 2 });
});
