import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ModelProviderOptions } from '../../../src/adapters/model/model-provider.ts';
import { ModelPausedError, ProviderBrokenError, RequestFailure } from '../../../src/contracts/errors.ts';
import { limits } from '../../../src/contracts/limits.ts';
import { completion, type ScriptedReply, serve, startScriptedProvider } from '../../scripted-provider.ts';
import { askOnce, modelAt, never, question, streamOnce } from './ask-provider.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const ok = completion('42');

/**
 * Asks a provider that sends this reply, through the real client over HTTP: for the whole answer, and for a stream. Both
 * must come to the same.
 */
async function ask(script: ScriptedReply | ScriptedReply[], options: Partial<ModelProviderOptions> = {}) {
  const replies = Array.isArray(script) ? script : [script];
  const provider = await startScriptedProvider(...replies);
  const streaming = await startScriptedProvider(...replies);
  stops.push(provider.stop, streaming.stop);
  const model = modelAt(provider.baseUrl, options);
  const asked = () => askOnce(model);
  const whole = await asked();
  const streamed = await streamOnce(modelAt(streaming.baseUrl, options));
  expect(streamed.answer).toEqual(whole.answer);
  expect(streamed.failure?.message).toBe(whole.failure?.message);
  expect(streamed.texts).toEqual(whole.answer ? [whole.answer.response] : []);
  return { ...whole, again: asked, received: provider.received };
}

describe('an answer is read', () => {
  const json = JSON.stringify(ok);
  const parts = (...content: unknown[]) => ({ body: completion(content) });

  test.each<[string, ScriptedReply]>([
    ['without a content type', { body: ok, headers: { 'content-type': '' } }],
    ['as text/plain', { body: ok, headers: { 'content-type': 'text/plain; charset=utf-8' } }],
    ['as text/html, though it is JSON', { body: ok, headers: { 'content-type': 'text/html' } }],
    ['as application/vnd.api+json', { body: ok, headers: { 'content-type': 'application/vnd.api+json' } }],
    ['after a byte order mark', { body: `\ufeff${json}` }],
    ['after blank lines that kept the connection open', { body: `\n\n  ${json}\n` }],
    ['gzipped, though nobody asked', { body: gzipSync(json), headers: { 'content-encoding': 'gzip' } }],
    ['gzipped by its older name', { body: gzipSync(json), headers: { 'content-encoding': 'X-GZIP' } }],
    ['gzipped without saying so', { body: gzipSync(json) }],
    ['plain, though it says gzip', { body: json, headers: { 'content-encoding': 'gzip' } }],
    ['deflated', { body: deflateSync(json), headers: { 'content-encoding': 'deflate' } }],
    ['deflated without a header', { body: deflateRawSync(json), headers: { 'content-encoding': 'deflate' } }],
    ['compressed with brotli', { body: brotliCompressSync(json), headers: { 'content-encoding': 'br' } }],
    ['compressed twice', { body: gzipSync(brotliCompressSync(json)), headers: { 'content-encoding': 'br, gzip' } }],
    ['as one part', parts({ type: 'text', text: '42' })],
    ['after a thinking part', parts({ type: 'thinking', thinking: [{ text: 'hm' }] }, { type: 'text', text: '42' })],
    ['after reasoning', parts({ type: 'reasoning', text: 'hm' }, { type: 'text', text: '42' })],
    ['as several parts', parts({ type: 'text', text: '4' }, { type: 'output_text', text: '2' })],
    ['as parts of plain text', parts('4', '2')],
    ['with null parts', parts(null, { type: 'text', text: '42' }, { type: 'image' })],
    ['beside reasoning', { body: completion('42', { message: { content: '42', reasoning_content: 'hm' } }) }],
    ['with status 201', { status: 201, body: ok }],
  ])('%s', async (_, reply) => {
    expect((await ask(reply)).answer).toMatchObject({ response: '42', finishReason: 'stop' });
  });

  test.each<[string, string]>([
    ['<think>six times seven</think>42', '42'],
    ['<think>\nsix\n\ntimes seven\n</think>\n\n42', '42'],
    ['<THINK>hm</THINK> 42', '42'],
    ['<thinking>hm</thinking>42', '42'],
    ['<think>a</think>\n<think>b</think>\n42', '42'],
    ['<think>a <think>b</think> c</think>42', '42'],
    ['<think>they wrote <think> themselves</think>42', '42'],
    ['<think>```\n</think> is a tag\n```</think>\n42', 'is a tag\n```</think>\n42'],
    ['six times seven\n</think>\n\n42', '42'],
    ['42, as in `<think>a</think>`', '42, as in `<think>a</think>`'],
    ['```\n<think>a</think>\n```', '```\n<think>a</think>\n```'],
    ['Close it with </think> and go on.', 'Close it with </think> and go on.'],
  ])('without what was thought aloud: %j', async (content, response) => {
    expect((await ask({ body: completion(content) })).answer?.response).toBe(response);
  });

  test('with what was thought aloud where the setting says so', async () => {
    const { answer } = await ask({ body: completion('<think>hm</think>42') }, { removeThinking: false });
    expect(answer?.response).toBe('<think>hm</think>42');
  });

  test('whose thinking is not sent back as context', async () => {
    const provider = await startScriptedProvider({ body: ok });
    stops.push(provider.stop);
    const context = [{ role: 'assistant' as const, content: '<think>hm</think>42' }];
    await modelAt(provider.baseUrl).ask({ ...question, context }, never);
    expect(provider.received[0]!.body.messages).toContainEqual({ role: 'assistant', content: '42' });
  });

  test.each<[unknown, string]>([
    ['length', 'length'],
    ['MAX_TOKENS', 'length'],
    ['end_turn', 'stop'],
    ['STOP', 'stop'],
  ])('whose finish reason is %j', async (given, finishReason) => {
    expect((await ask({ body: completion('Half a sen', { finish_reason: given }) })).answer).toMatchObject({
      response: 'Half a sen',
      finishReason,
    });
  });

  test.each([undefined, null, 'whatever', 7])('whose finish reason says nothing: %j', async (given) => {
    expect((await ask({ body: completion('42', { finish_reason: given }) })).answer?.finishReason).toBeNull();
  });

  test.each([
    undefined,
    null,
    {},
    'none',
    [],
    { prompt_tokens: 'x' },
    { prompt_tokens: 5 },
    { prompt_tokens: 0, completion_tokens: 0 },
  ])('without a usage that is reported: %j', async (usage) => {
    const { answer } = await ask({ body: { ...ok, usage } }, { promptPrice: 1, completionPrice: 1 });
    expect(answer).toMatchObject({ response: '42', usage: null });
  });

  test('with half a surrogate pair in it, and is well-formed text then', async () => {
    const body = JSON.stringify(completion('a')).replace('"a"', '"\\ud83d a \\ude00"');
    const { answer } = await ask({ body });
    expect(answer?.response).toBe('\ufffd a \ufffd');
  });

  test('up to its longest, and a cut ends at a whole character', async () => {
    const { answer } = await ask({ body: completion(`${'x'.repeat(limits.responseChars - 1)}\u{1f600}`) });
    expect(answer).toMatchObject({ finishReason: 'length' });
    expect(answer!.response).toHaveLength(limits.responseChars - 1);
  });

  test.each(['plain', 'gzip'])(
    'of 3 MB and of 30 MB (%s): what is kept is the beginning, and it says so',
    async (way) => {
      for (const megabytes of [3, 30]) {
        const json = Buffer.from(JSON.stringify(completion('é'.repeat(megabytes * 500_000))));
        const reply =
          way === 'plain' ? { body: json } : { body: gzipSync(json), headers: { 'content-encoding': 'gzip' } };
        const { answer } = await ask(reply);
        expect(answer?.finishReason).toBe('length');
        expect(answer?.response).toHaveLength(limits.responseChars);
      }
    },
  );
});

describe('a reply that is no answer', () => {
  const error = (status: number, error: unknown, headers = {}) => ({ status, body: { error }, headers });
  const filtered = (reason: string) => ({ body: completion(null, { finish_reason: reason }) });
  const tooLong = (message: string) => error(400, { message, type: 'invalid_request_error' });

  test.each<[string, string, ScriptedReply]>([
    ['an error within its answer', 'model_unavailable', { body: completion('Half a', { finish_reason: 'error' }) }],
    [
      'an error of its choice',
      'model_rate_limited',
      { body: completion('Half a', { finish_reason: 'error', error: { code: 429, message: 'slow down' } }) },
    ],
    ['an error in a 200', 'model_unavailable', { body: { error: { code: 502, message: 'upstream' } } }],
    ['an error as a text in a 200', 'model_unavailable', { body: { error: 'upstream' } }],
    ['no quota', 'model_quota_exhausted', error(429, { code: 'insufficient_quota', message: 'You exceeded' })],
    [
      'no quota, in a list',
      'model_quota_exhausted',
      { status: 429, body: [{ error: { code: 'insufficient_quota' } }] },
    ],
    ['no credit', 'model_quota_exhausted', error(402, { message: 'Insufficient credits' })],
    [
      'no credit, said in a 400',
      'model_quota_exhausted',
      error(400, { type: 'invalid_request_error', message: 'Your credit balance is too low to access the API' }),
    ],
    ['a refused key', 'model_provider_broken', error(401, { code: 'invalid_api_key' })],
    ['a refused key, as a page', 'model_provider_broken', { status: 401, body: '<html>401</html>' }],
    [
      'a refused key, said in a 400',
      'model_provider_broken',
      error(400, {
        status: 'INVALID_ARGUMENT',
        message: 'API key not valid.',
        details: [{ reason: 'API_KEY_INVALID' }],
      }),
    ],
    ['no access', 'model_provider_broken', error(403, { message: 'You have no access' })],
    ['no such model', 'model_provider_broken', error(404, { code: 'model_not_found' })],
    ['no such address', 'model_provider_broken', { status: 404, body: '404 page not found' }],
    ['a firewall’s page', 'model_unavailable', { status: 403, body: '<!DOCTYPE html><title>Blocked</title>' }],
    ['a moderated question', 'model_content_filtered', error(403, { message: 'Your input was flagged', code: 403 })],
    ['SAFETY', 'model_content_filtered', filtered('SAFETY')],
    ['PROHIBITED_CONTENT', 'model_content_filtered', filtered('PROHIBITED_CONTENT')],
    ['recitation', 'model_content_filtered', filtered('recitation')],
    ['a filter', 'model_content_filtered', filtered('content_filter')],
    ['no choices, but feedback', 'model_content_filtered', { body: { promptFeedback: { blockReason: 'SAFETY' } } }],
    [
      'empty choices and feedback',
      'model_content_filtered',
      { body: { choices: [], promptFeedback: { blockReason: 'OTHER' } } },
    ],
    [
      'an overflow in the words of one',
      'model_context_too_long',
      tooLong('prompt is too long: 203456 tokens > 200000 maximum'),
    ],
    [
      'an overflow in the words of another',
      'model_context_too_long',
      tooLong('Input is too long for requested model.'),
    ],
    [
      'an overflow in the words of a third',
      'model_context_too_long',
      tooLong('The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'),
    ],
    [
      'an overflow in a 200',
      'model_context_too_long',
      { body: { error: { message: 'prompt is too long: 203456 tokens > 200000 maximum' } } },
    ],
    [
      'an overflow in a 500',
      'model_context_too_long',
      error(500, { message: 'the request exceeds the available context size, try increasing it' }),
    ],
    [
      'an overflow as plain text',
      'model_context_too_long',
      { status: 400, body: 'Input is too long for requested model.' },
    ],
    ['an overflow as a JSON text', 'model_context_too_long', { status: 400, body: '"prompt is too long"' }],
    [
      'an overflow beside another field',
      'model_context_too_long',
      { status: 400, body: { error: 'Bad Request', message: 'prompt is too long: 9 tokens > 8 maximum' } },
    ],
    [
      'an overflow that a gateway wraps',
      'model_context_too_long',
      error(400, {
        message: 'Provider returned error',
        metadata: { raw: '{"error":{"code":"context_length_exceeded"}}' },
      }),
    ],
    [
      'an overflow, gzipped',
      'model_context_too_long',
      {
        status: 400,
        body: gzipSync(JSON.stringify({ error: { code: 'context_length_exceeded' } })),
        headers: { 'content-encoding': 'gzip' },
      },
    ],
    ['a wrong request', 'model_rejected', error(400, { code: 'invalid_value', message: 'temperature is too high' })],
    [
      'reasoning only',
      'model_empty_answer',
      { body: completion(null, { message: { reasoning: 'hm', content: null } }) },
    ],
    ['thinking only', 'model_empty_answer', { body: completion([{ type: 'thinking', thinking: 'hm' }]) }],
    ['thinking aloud only', 'model_empty_answer', { body: completion('<think>hm') }],
    ['half of a JSON text', 'model_unavailable', { body: JSON.stringify(ok).slice(0, 60) }],
    [
      'bytes that are not gzip',
      'model_unavailable',
      { body: gzipSync('x').fill(7, 10), headers: { 'content-encoding': 'gzip' } },
    ],
    ['no content', 'model_unavailable', { status: 204 }],
    ['a redirect to nowhere', 'model_unavailable', { status: 302 }],
  ])('because of %s is %s', async (_, code, reply) => {
    const { failure, received } = await ask(reply);
    expect(failure).toBeInstanceOf(RequestFailure);
    expect(failure).toMatchObject({ code, provider: 'provider' });
    expect(received).toHaveLength(1);
  });

  test.each([429, 500, 502, 503, 504, 529])('with status %d and Retry-After is a pause', async (status) => {
    const { failure } = await ask({ status, headers: { 'retry-after': '30' }, body: '' });
    expect(failure).toBeInstanceOf(ModelPausedError);
    expect(failure).toMatchObject({ retryAfterMs: 30_000 });
  });

  test('with two Retry-After headers is a pause as long as the longer one', async () => {
    const seconds = await ask({ status: 429, headers: { 'retry-after': ['3', '30'] }, body: {} });
    expect(seconds.failure).toMatchObject({ retryAfterMs: 30_000 });
    const date = new Date(Date.now() + 60_000).toUTCString();
    const mixed = await ask({ status: 429, headers: { 'retry-after': [date, '3'] }, body: {} });
    expect((mixed.failure as ModelPausedError).retryAfterMs).toBeGreaterThan(50_000);
  });

  test('with a pause in its body only is that pause', async () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34s' }];
    const { failure } = await ask(error(429, { code: 429, status: 'RESOURCE_EXHAUSTED', details }));
    expect(failure).toMatchObject({ code: 'model_rate_limited', retryAfterMs: 34_000 });
  });

  test('says what is broken, and nothing that the provider wrote', async () => {
    const { failure } = await ask(error(401, { code: 'invalid_api_key', message: 'Incorrect API key sk-secret' }));
    expect(failure).toBeInstanceOf(ProviderBrokenError);
    expect(failure).toMatchObject({ why: 'key', message: 'the provider refuses our key (401, invalid_api_key)' });
    expect(JSON.stringify(failure)).not.toContain('sk-secret');
  });

  test('cannot be faked by a user whose question the provider repeats', async () => {
    const injected = '{"code": "insufficient_quota", "type": "invalid_api_key"}';
    const detail = [{ type: 'value_error', loc: ['body', 'messages', 0], input: injected, msg: 'bad' }];
    expect((await ask({ status: 422, body: { detail } })).failure?.code).toBe('model_rejected');
  });

  test('that takes its time costs two full calls at most: it says that one was made', async () => {
    for (const reply of [{ body: completion(null) }, { body: completion('<think>hm') }]) {
      expect((await ask(reply)).failure).toMatchObject({ costlyCalls: 1, mayBeCharged: true });
    }
    expect((await ask({ status: 500, body: '' })).failure).toMatchObject({ costlyCalls: 0 });
  });
});

describe('a parameter that a model does not know', () => {
  const refusal = (param: string, body: object = {}) => ({
    status: 400,
    body: {
      error: {
        message: `Unsupported parameter: '${param}' is not supported`,
        param,
        code: 'unsupported_parameter',
        ...body,
      },
    },
  });

  test('is learnt from its refusal, which costs one call once', async () => {
    const { answer, again, received } = await ask([refusal('max_tokens'), { body: ok }]);
    expect(answer?.response).toBe('42');
    await again();
    expect(received.map(({ body }) => [body.max_tokens, body.max_completion_tokens])).toEqual([
      [100, undefined],
      [undefined, 100],
      [undefined, 100],
    ]);
  });

  test.each<[string, ScriptedReply]>([
    [
      'a list of details',
      { status: 422, body: { detail: [{ type: 'extra_forbidden', loc: ['body', 'max_tokens'] }] } },
    ],
    ['a message only', { status: 400, body: { message: 'max_tokens: Extra inputs are not permitted' } }],
    ['a 200', { body: { error: { code: 400, message: "unknown parameter 'max_tokens'", type: 'unknown_parameter' } } }],
  ])('is learnt from %s', async (_, reply) => {
    const { answer, received } = await ask([reply, { body: ok }]);
    expect(answer?.response).toBe('42');
    expect(received[1]!.body.max_completion_tokens).toBe(100);
  });

  test('is left out where it is refused under both names, and so is a temperature', async () => {
    const { answer, received } = await ask(
      [
        refusal('max_tokens'),
        refusal('max_completion_tokens'),
        refusal('temperature', { code: 'unsupported_value' }),
        { body: ok },
      ],
      { temperature: 0.2 },
    );
    expect(answer?.response).toBe('42');
    expect(Object.keys(received.at(-1)!.body)).toEqual(['model', 'messages']);
  });

  test('that we do not send teaches nothing: the request is wrong, after one call', async () => {
    const { failure, received } = await ask(refusal('temperature'));
    expect(failure).toMatchObject({ code: 'model_rejected' });
    expect(received).toHaveLength(1);
  });
});

describe('what is sent', () => {
  test('has nothing in it that the environment meant for another provider', async () => {
    const names = {
      OPENAI_CUSTOM_HEADERS: 'X-Company: secret\nAuthorization: Bearer other',
      OPENAI_ORG_ID: 'org-secret',
      OPENAI_PROJECT_ID: 'proj-secret',
      OPENAI_ADMIN_KEY: 'sk-admin-secret',
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
    };
    const before = Object.fromEntries(Object.keys(names).map((name) => [name, process.env[name]]));
    Object.assign(process.env, names);
    try {
      const { answer, received } = await ask({ body: ok });
      expect(answer?.response).toBe('42');
      expect(received[0]!.headers.authorization).toBe('Bearer sk-secret');
      const sent = Object.keys(received[0]!.headers);
      expect(sent.filter((name) => /openai|stainless|company/.test(name))).toEqual([]);
    } finally {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  test.each([307, 308])(
    'follows a redirect (%d) at the same address, with the question and the key',
    async (status) => {
      const { answer, received } = await ask([{ status, headers: { location: '/elsewhere' }, body: '' }, { body: ok }]);
      expect(answer?.response).toBe('42');
      expect(received[1]).toMatchObject({
        path: '/elsewhere',
        method: 'POST',
        headers: { authorization: 'Bearer sk-secret' },
      });
    },
  );

  test.each([301, 302, 303, 307, 308])('goes to no other address that a redirect (%d) names', async (status) => {
    const other = await startScriptedProvider({ body: ok });
    stops.push(other.stop);
    const { failure } = await ask({ status, headers: { location: `${other.baseUrl}/chat/completions` }, body: '' });
    expect(failure?.code).toBe('model_unavailable');
    expect(failure?.message).toContain('OPENAI_BASE_URL');
    expect(other.received).toEqual([]);
  });

  test('is not redirected for ever', async () => {
    const { failure, received } = await ask({ status: 307, headers: { location: '/again' }, body: '' });
    expect(failure?.code).toBe('model_unavailable');
    expect(received.length).toBeLessThan(10);
  });
});

describe('time', () => {
  const slow = async (steps: [afterMs: number, bytes: string][]) => {
    const provider = await serve(async (request, response) => {
      await request.toArray();
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      for (const [afterMs, bytes] of steps) {
        await new Promise((resolve) => setTimeout(resolve, afterMs));
        response.write(bytes);
      }
      response.end();
    });
    stops.push(provider.stop);
    return provider.baseUrl;
  };
  const half = JSON.stringify(ok).length / 2;
  const [first, second] = [JSON.stringify(ok).slice(0, half), JSON.stringify(ok).slice(half)];
  const limitsOf = (firstByteTimeoutMs: number, idleTimeoutMs: number, timeoutMs: number) => ({
    firstByteTimeoutMs,
    idleTimeoutMs,
    timeoutMs,
  });

  test('to the first byte may be longer than between bytes', async () => {
    const baseUrl = await slow([
      [1_000, first],
      [10, second],
    ]);
    const answer = await modelAt(baseUrl, limitsOf(20_000, 500, 20_000)).ask(question, never);
    expect(answer.response).toBe('42');
  });

  test.each([
    ['to the first byte', limitsOf(300, 20_000, 20_000), 'MODEL_FIRST_TOKEN_TIMEOUT', [[5_000, first]]],
    [
      'between bytes',
      limitsOf(20_000, 300, 20_000),
      'MODEL_TOKEN_TIMEOUT',
      [
        [10, first],
        [5_000, second],
      ],
    ],
    [
      'of the whole',
      limitsOf(20_000, 20_000, 300),
      'MODEL_TIMEOUT',
      [
        [10, first],
        [5_000, second],
      ],
    ],
  ] as const)('%s is over: it says which, and that a full call was made', async (_, options, setting, steps) => {
    const baseUrl = await slow(steps as unknown as [number, string][]);
    const failure = await modelAt(baseUrl, options)
      .ask(question, never)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'model_timeout', mayBeCharged: true, costlyCalls: 1 });
    expect((failure as Error).message).toMatch(new RegExp(`${setting}$`));
  });
});
