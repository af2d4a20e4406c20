import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startWorker, type TestProcess } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { completion, serve } from '../scripted-provider.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

const KEY = 'sk-secret-of-the-provider';
const PRIVATE = 'private words of a user';

let worker: TestProcess;
let client: QueueClient;
let provider: Awaited<ReturnType<typeof serve>>;

/** Replies of a provider that refuses a user's question and quotes it. The message chooses the reply. */
const REFUSALS: Record<string, [status: number, headers: Record<string, string>, body: (message: string) => string]> = {
  moderated: [403, {}, (said) => JSON.stringify({ error: { code: 403, message: `Your input was flagged: ${said}` } })],
  forbidden: [403, {}, (said) => JSON.stringify({ message: 'Forbidden', said })],
  firewall: [403, {}, (said) => `<!DOCTYPE html><title>Blocked</title>${said}`],
  'not found': [404, {}, (said) => JSON.stringify({ message: `no route for ${said}` })],
  expensive: [402, {}, (said) => JSON.stringify({ error: { message: 'Prompt tokens limit exceeded', said } })],
  'made up': [
    400,
    {},
    (said) =>
      JSON.stringify({
        error: {
          message: 'Bad',
          failed_generation: 'Insufficient balance',
          input: { code: 'insufficient_quota' },
          said,
        },
      }),
  ],
  'too large for the rate': [
    413,
    {},
    () =>
      JSON.stringify({
        error: {
          message: 'Request too large on tokens per minute (TPM): Limit 6000, Requested 9000',
          code: 'rate_limit_exceeded',
        },
      }),
  ],
  crash: [500, {}, (said) => said],
};

const CODES: Record<string, string> = {
  moderated: 'model_content_filtered',
  forbidden: 'model_provider_broken',
  firewall: 'model_unavailable',
  'not found': 'model_provider_broken',
  expensive: 'model_quota_exhausted',
  'made up': 'model_rejected',
  'too large for the rate': 'model_context_too_long',
  crash: 'model_unavailable',
};

beforeAll(async () => {
  const rabbitMqUrl = await testRabbitMqUrl();
  provider = await serve(async (request, response) => {
    const { messages } = JSON.parse(Buffer.concat(await request.toArray()).toString()) as {
      messages: { content: string }[];
    };
    const said = messages.at(-1)!.content;
    const [status, headers, body] = REFUSALS[said.split(': ')[0]!] ?? [200, {}, () => JSON.stringify(completion('42'))];
    response.writeHead(status, headers).end(body(said));
  });
  worker = await startWorker({
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: await testRedisUrl(),
    OPENAI_BASE_URL: provider.baseUrl,
    OPENAI_API_KEY: KEY,
    CHAT_MODEL: 'asked',
    CACHE_ENABLED: 'false',
    JOB_ATTEMPTS: '6',
    RETRY_BASE: '10ms',
    RETRY_MAX: '20ms',
    BREAKER_OPEN: '10m',
    LOG_LEVEL: 'debug',
  });
  client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
});
afterAll(async () => {
  await worker?.stop();
  await provider?.stop();
});

async function ask(message: string) {
  const request = { requestId: randomUUID(), sessionId: randomUUID(), userId: randomUUID(), message };
  await client.ask(request);
  return await client.responseTo(request.requestId);
}

test.each(Object.keys(REFUSALS))(
  'a question that is refused (%s) leaves the provider to all others',
  async (refusal) => {
    expect(await ask('Is it?')).toMatchObject({ status: 'completed' });
    expect(await ask(`${refusal}: ${PRIVATE}`)).toMatchObject({ status: 'failed', error: { code: CODES[refusal] } });
    expect(await ask('And now?')).toMatchObject({ status: 'completed', response: '42', attempts: 1 });
    expect(await (await fetch(worker.metricsUrl)).text()).not.toMatch(/healify_model_provider_broken\{.*\} 1/);
  },
);

test('nothing of what was asked, and no key, is in the log or the metrics', async () => {
  const seen = `${worker.output()} ${await (await fetch(worker.metricsUrl)).text()}`;
  expect(seen).toContain('request failed');
  expect(seen).not.toContain('private words');
  expect(seen).not.toContain(KEY);
});
