import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ModelQuestion } from '../../../src/adapters/model/model.ts';
import { createModelProvider, type ModelProviderOptions } from '../../../src/adapters/model/model-provider.ts';
import { ModelPausedError, RequestFailure } from '../../../src/contracts/errors.ts';
import { limits } from '../../../src/contracts/limits.ts';
import { startSimulator, type TestSimulator } from '../../start-simulator.ts';
import { until } from '../../until.ts';

const KEY = 'sk-secret-key';
const SECRET = 'does my rash look infected';

let simulator: TestSimulator;
const servers: Server[] = [];

beforeAll(async () => {
  simulator = await startSimulator();
});
afterEach(async () => {
  await simulator.behave({});
  await simulator.reset();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => simulator.stop());

const provider = (options: Partial<ModelProviderOptions> = {}) =>
  createModelProvider({
    name: 'simulator',
    baseUrl: simulator.baseUrl,
    apiKey: KEY,
    model: 'simulator',
    systemPrompt: 'Be brief.',
    temperature: undefined,
    maxTokens: 1000,
    timeoutMs: 5_000,
    promptPrice: undefined,
    completionPrice: undefined,
    ...options,
  });

const never = new AbortController().signal;
const question = (message: string, context: ModelQuestion['context'] = []): ModelQuestion => ({ message, context });

/** A server with replies that the simulator never sends. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const serveJson = (status: number, value: unknown, headers: Record<string, string> = {}) =>
  serve((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  });

/** Returns the error of a question. Fails if there is none. */
async function failureOf(asking: Promise<unknown>): Promise<RequestFailure> {
  const error = await asking.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RequestFailure);
  return error as RequestFailure;
}

describe('an answer', () => {
  test('comes with the model and the provider that gave it, and with its usage', async () => {
    const answer = await provider().ask(question('12345678'), never);
    expect(answer.response).toMatch(/^Simulated answer: .*12345678/);
    expect(answer).toMatchObject({ model: 'simulator', provider: 'simulator' });
    const { promptTokens, completionTokens, totalTokens, cost } = answer.usage!;
    expect(promptTokens).toBe(5);
    expect(totalTokens).toBe(promptTokens + completionTokens);
    expect(cost).toBeNull();
  });

  test('takes the earlier turns into account', async () => {
    const context = [
      { role: 'user' as const, content: 'I am Ada.' },
      { role: 'assistant' as const, content: 'Hello Ada.' },
    ];
    const answer = await provider().ask(question('Who am I?', context), never);
    expect(answer.response).toContain('2 earlier turns');
  });

  test('costs what the prices per million tokens say', async () => {
    const { usage } = await provider({ promptPrice: 2, completionPrice: 10 }).ask(question('12345678'), never);
    const { promptTokens, completionTokens, cost } = usage!;
    expect(cost).toBeCloseTo((promptTokens * 2 + completionTokens * 10) / 1_000_000, 12);
    expect(cost).toBeGreaterThan(0);
  });

  test('is requested with exactly the parameters that the cache hashes, and with the key', async () => {
    let sent: unknown;
    let authorization: string | undefined;
    const baseUrl = await serve(async (request, response) => {
      authorization = request.headers.authorization;
      sent = JSON.parse((await request.toArray()).join(''));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ choices: [{ message: { content: 'Yes.' } }] }));
    });
    const model = provider({ baseUrl, temperature: 0.5 });
    await model.ask(question('Is it?'), never);
    expect(sent).toEqual(model.parametersOf(question('Is it?')).body);
    expect(authorization).toBe(`Bearer ${KEY}`);
  });

  test('of a server that counts no tokens and names no model has no usage and the model that was asked', async () => {
    const baseUrl = await serveJson(200, { choices: [{ message: { content: 'Yes.' } }] });
    const answer = await provider({ baseUrl, model: 'mine', promptPrice: 1, completionPrice: 1 }).ask(
      question('Is it?'),
      never,
    );
    expect(answer).toEqual({
      response: 'Yes.',
      model: 'mine',
      provider: 'simulator',
      usage: null,
      finishReason: null,
    });
  });

  test('that is a refusal is shown to the user', async () => {
    const baseUrl = await serveJson(200, { choices: [{ message: { content: null, refusal: 'I cannot.' } }] });
    expect((await provider({ baseUrl }).ask(question('Do it'), never)).response).toBe('I cannot.');
  });

  test('says whether the model stopped by itself or had reached its longest answer', async () => {
    expect((await provider().ask(question('Hi'), never)).finishReason).toBe('stop');
    const cut = await provider({ maxTokens: 4 }).ask(question('Hi'), never);
    expect(cut.finishReason).toBe('length');
    expect(cut.response).toHaveLength(16);
  });

  test('that is longer than any message may be is cut, and says so', async () => {
    const content = 'x'.repeat(limits.responseChars + 1);
    const baseUrl = await serveJson(200, { model: 'm'.repeat(1_000), choices: [{ message: { content } }] });
    const answer = await provider({ baseUrl }).ask(question('Is it?'), never);
    expect(answer.response).toHaveLength(limits.responseChars);
    expect(answer.finishReason).toBe('length');
    expect(answer.model).toHaveLength(limits.modelNameChars);
  });
});

describe('a failure', () => {
  test.each([
    ['status=400', 'model_rejected', false],
    ['status=401', 'model_provider_broken', false],
    ['status=402', 'model_quota_exhausted', false],
    ['status=403', 'model_provider_broken', false],
    ['status=404', 'model_provider_broken', false],
    ['status=408', 'model_timeout', true],
    ['status=409', 'model_unavailable', true],
    ['status=413', 'model_context_too_long', false],
    ['status=422', 'model_rejected', false],
    ['status=429', 'model_rate_limited', true],
    ['status=500', 'model_unavailable', true],
    ['status=502', 'model_unavailable', true],
    ['status=503', 'model_unavailable', true],
    ['status=529', 'model_unavailable', true],
    ['mode=insufficient_quota', 'model_quota_exhausted', false],
    ['mode=content_filter', 'model_content_filtered', false],
    ['mode=content_filter_rejected', 'model_content_filtered', false],
    ['mode=context_length_exceeded', 'model_context_too_long', false],
    ['mode=empty', 'model_empty_answer', true],
    ['mode=cut', 'model_unreachable', true],
    ['mode=invalid_json', 'model_unavailable', true],
  ])('by %s is %s, retryable: %p, and tells nothing of the question or the key', async (marker, code, retryable) => {
    const failure = await failureOf(provider().ask(question(`${SECRET} [[simulate ${marker}]]`), never));
    expect({ code: failure.code, retryable: failure.retryable }).toEqual({ code, retryable });
    expect(failure).not.toBeInstanceOf(ModelPausedError);
    expect(failure.message.length).toBeLessThan(120);
    expect(failure.cause).toBeUndefined();
    expect(`${failure.stack} ${JSON.stringify(failure)}`).not.toMatch(/rash|sk-secret/);
    // One call: the client must not retry by itself.
    expect((await simulator.stats()).started).toBe(1);
  });

  test('names the status and the code of the provider, for the operator', async () => {
    const failure = await failureOf(provider().ask(question('[[simulate status=400]]'), never));
    expect(failure.message).toBe('the provider refused the request (400, invalid_value)');
    expect(failure.provider).toBe('simulator');
  });

  test('to connect names the code of the system, and can be retried', async () => {
    const baseUrl = await serve(() => {});
    const server = servers.pop()!;
    server.close();
    await once(server, 'close');
    const failure = await failureOf(provider({ baseUrl }).ask(question('Hi'), never));
    expect(failure).toMatchObject({ code: 'model_unreachable', retryable: true });
    expect(failure.message).toContain('ECONNREFUSED');
  });

  test('of a connection that is closed without an answer can be retried', async () => {
    const baseUrl = await serve((request) => request.socket.destroy());
    const failure = await failureOf(provider({ baseUrl }).ask(question('Hi'), never));
    expect(failure).toMatchObject({ code: 'model_unreachable', retryable: true });
  });

  test.each([
    ['before the answer', false],
    ['within the body of an error', true],
  ])('by a timeout %s ends the call', async (_, beginBody) => {
    let closed = false;
    const baseUrl = await serve((_request, response) => {
      response.on('close', () => {
        closed = true;
      });
      if (beginBody) response.writeHead(500, { 'content-type': 'application/json' }).write('{"error":');
    });
    const failure = await failureOf(provider({ baseUrl, timeoutMs: 1_000 }).ask(question('Hi'), never));
    expect(failure).toMatchObject({ code: 'model_timeout', retryable: true });
    await until('the connection is closed', () => closed);
  });

  test.each([
    ['a page', '<html>Welcome</html>', 'text/html'],
    ['another object', '{"error": {"code": 502, "message": "upstream"}}', 'application/json'],
    ['nothing', '', 'application/json'],
    ['null', 'null', 'application/json'],
  ])('by %s with the status 200 can be retried', async (_, body, type) => {
    const baseUrl = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': type }).end(body);
    });
    const failure = await failureOf(provider({ baseUrl }).ask(question('Hi'), never));
    expect(failure).toMatchObject({ code: 'model_unavailable', retryable: true });
  });

  test('by an answer that used up its tokens before it began says so', async () => {
    const baseUrl = await serveJson(200, { choices: [{ finish_reason: 'length', message: { content: '' } }] });
    const failure = await failureOf(provider({ baseUrl }).ask(question('Hi'), never));
    expect(failure).toMatchObject({ code: 'model_empty_answer', costlyCalls: 1 });
    expect(failure.message).toContain('MAX_TOKENS');
  });

  test('by the context or the content is recognised in the words of different servers', async () => {
    const vllm = await serveJson(400, { object: 'error', message: "This model's maximum context length is 4096" });
    const azure = await serveJson(400, {
      error: { code: 'bad_request', message: 'no', innererror: { code: 'ResponsibleAIPolicyViolation' } },
    });
    expect((await failureOf(provider({ baseUrl: vllm }).ask(question('Hi'), never))).code).toBe(
      'model_context_too_long',
    );
    expect((await failureOf(provider({ baseUrl: azure }).ask(question('Hi'), never))).code).toBe(
      'model_content_filtered',
    );
  });

  test('whose code is a text of the provider does not pass it on', async () => {
    const baseUrl = await serveJson(400, { error: { code: `no answer to ${SECRET}`, type: KEY, message: SECRET } });
    const failure = await failureOf(provider({ baseUrl }).ask(question(SECRET), never));
    expect(failure.message).toBe('the provider refused the request (400)');
  });
});

describe('a model that says when to come back', () => {
  const pauseOf = async (baseUrl: string) => {
    const failure = await failureOf(provider({ baseUrl }).ask(question('Hi'), never));
    return failure instanceof ModelPausedError ? failure.retryAfterMs : undefined;
  };

  test.each([
    ['status=429 retry-after=2', 'model_rate_limited', 2_000],
    ['status=503 retry-after=120', 'model_unavailable', 120_000],
    ['status=500 retry-after=30', 'model_unavailable', 30_000],
    ['status=502 retry-after=30', 'model_unavailable', 30_000],
    ['status=504 retry-after=30', 'model_unavailable', 30_000],
    ['status=529 retry-after=30', 'model_unavailable', 30_000],
  ])('by %s is left alone for as long', async (marker, code, retryAfterMs) => {
    const failure = await failureOf(provider().ask(question(`[[simulate ${marker}]]`), never));
    expect(failure).toBeInstanceOf(ModelPausedError);
    expect(failure).toMatchObject({ code, retryAfterMs, retryable: true });
  });

  test('by a date is left alone until then', async () => {
    const asking = provider().ask(question('[[simulate status=429 retry-after-date=300]]'), never);
    const failure = (await failureOf(asking)) as ModelPausedError;
    expect(failure.retryAfterMs).toBeGreaterThan(290_000);
    expect(failure.retryAfterMs).toBeLessThanOrEqual(301_000);
  });

  test('at once, or in the past, is still left alone for a second', async () => {
    expect(await pauseOf(await serveJson(503, {}, { 'retry-after': '0' }))).toBe(1_000);
    expect(await pauseOf(await serveJson(503, {}, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }))).toBe(1_000);
  });

  test('in milliseconds is understood', async () => {
    expect(await pauseOf(await serveJson(429, {}, { 'retry-after-ms': '1500', 'retry-after': '2' }))).toBe(1_500);
  });

  test('in a century is left alone for as long as the setting says', async () => {
    expect(await pauseOf(await serveJson(429, {}, { 'retry-after': '3153600000' }))).toBe(600_000);
    const baseUrl = await serveJson(429, {}, { 'retry-after': '3153600000' });
    const failure = await failureOf(provider({ baseUrl, maxPauseMs: 5_000 }).ask(question('Hi'), never));
    expect(failure).toMatchObject({ retryAfterMs: 5_000 });
  });

  test.each(['soon', '-5', '1e9', ''])('by "%s" has not said it', async (value) => {
    expect(await pauseOf(await serveJson(429, {}, { 'retry-after': value }))).toBeUndefined();
  });
});

describe('a caller that gives up', () => {
  test('ends the call to the model, and gets its own reason', async () => {
    const caller = new AbortController();
    const asking = provider().ask(question('[[simulate mode=hang]]'), caller.signal);
    const outcome = asking.catch((error: unknown) => error);
    await until('the call has arrived', async () => (await simulator.stats()).inFlight === 1);
    const reason = new Error('the worker is stopping');
    caller.abort(reason);
    expect(await outcome).toBe(reason);
    await until('the model is no longer asked', async () => (await simulator.stats()).abortedByClient === 1);
  });

  test('before the call makes none', async () => {
    const reason = new Error('the worker is stopping');
    await expect(provider().ask(question('Hi'), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect((await simulator.stats()).started).toBe(0);
  });
});
