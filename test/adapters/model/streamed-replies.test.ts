import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ModelProviderOptions } from '../../../src/adapters/model/model-provider.ts';
import { serve, startScriptedProvider } from '../../scripted-provider.ts';
import { askOnce, modelAt, question, streamOnce, watchProgress } from './ask-provider.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A provider that answers each call by this function. */
async function providerThat(answer: (response: ServerResponse) => unknown) {
  const provider = await serve(async (request, response) => {
    await request.toArray();
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    await answer(response);
  });
  stops.push(provider.stop);
  return provider;
}

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (delta: object | null, finish_reason: string | null = null, more: object = {}) =>
  event({
    id: 'c',
    object: 'chat.completion.chunk',
    model: 'm',
    choices: [{ index: 0, delta, finish_reason }],
    ...more,
  });
const says = (...pieces: unknown[]) => pieces.map((content) => chunk({ content })).join('');
const stop = chunk({}, 'stop');
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const usageChunk = event({ model: 'm', choices: [], usage });
const done = 'data: [DONE]\n\n';
const end = stop + usageChunk + done;
const counted = { promptTokens: 3, completionTokens: 2 };

/** Sends the bytes one by one, as far as a server can make a client see them so. */
const byteByByte = (bytes: Buffer) => async (response: ServerResponse) => {
  response.socket!.setNoDelay(true);
  for (const byte of bytes) {
    response.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  response.end();
};

/** Reads a stream as a whole, at once and byte by byte. All three must come to the same. */
async function read(body: string, options: Partial<ModelProviderOptions> = {}) {
  const whole = await startScriptedProvider({ body, headers: { 'content-type': 'text/event-stream' } });
  stops.push(whole.stop);
  const unstreamed = await askOnce(modelAt(whole.baseUrl, options));
  const atOnce = await streamOnce(modelAt(whole.baseUrl, options));
  const slow = await providerThat(byteByByte(Buffer.from(body)));
  const bytewise = await streamOnce(modelAt(slow.baseUrl, options));
  for (const streamed of [atOnce, bytewise]) {
    expect(streamed.answer).toEqual(unstreamed.answer);
    expect(streamed.failure?.message).toBe(unstreamed.failure?.message);
    if (streamed.answer) expect(streamed.texts.at(-1)).toBe(streamed.answer.response);
  }
  return bytewise;
}

const estimated = (completionTokens: number) => [{ completionTokens, estimated: true }];

describe('a stream', () => {
  test.each<[string, string, object]>([
    ['with its usage at the end', says('4', '2') + end, { usage: counted }],
    [
      'with its usage in the last chunk of text',
      says('4') + chunk({ content: '2' }, 'stop', { usage }) + done,
      { usage: counted },
    ],
    ['without a usage', says('4', '2') + stop + done, { usage: null }],
    ['without [DONE]', says('4', '2') + stop + usageChunk, { usage: counted }],
    ['without a finish reason', says('4', '2') + done, { finishReason: null }],
    ['without the last line end', (says('4', '2') + stop).trimEnd(), {}],
    [
      'with comments and fields',
      `: hello\n\nretry: 10\nid: 1\n${says('4')}: keep-alive\n\nevent: message\n${says('2')}${end}`,
      {},
    ],
    ['with other line ends', (says('4', '2') + end).replaceAll('\n', '\r\n'), {}],
    ['with one line end between events', (says('4', '2') + end).replaceAll('\n\n', '\n'), {}],
    [
      'with an empty error in each chunk',
      chunk({ content: '42' }, null, { error: null }) + chunk({}, 'stop', { error: {} }) + done,
      {},
    ],
    ['of parts', says([{ type: 'text', text: '4' }], [{ type: 'text', text: '2' }]) + end, {}],
    ['with thinking parts', says([{ type: 'thinking', thinking: 'hm' }], [{ type: 'text', text: '42' }]) + end, {}],
    [
      'with reasoning beside it',
      chunk({ reasoning_content: 'hm' }) + chunk({ reasoning: 'hm' }) + says('42') + end,
      {},
    ],
    ['with empty deltas', chunk({ role: 'assistant', content: '' }) + chunk(null) + says(null, '42') + end, {}],
    ['of the older kind', event({ model: 'm', choices: [{ text: '42' }] }) + end, {}],
    ['whose thinking is in tags', says('<think>', 'hm', '</think>', '\n\n', '42') + end, {}],
    ['whose tags are cut', says('<', 'thi', 'nk>h', 'm </', 'think', '>4', '2') + end, {}],
    ['that thinks twice', says('<think>a</think>', '<think>b</th', 'ink>42') + end, {}],
    ['that thinks of its tags', says('<think>a <think>b</think> c</think>42') + end, {}],
    ['that only refuses', chunk({ refusal: '4' }) + chunk({ refusal: '2' }) + end, {}],
    ['with data that is not JSON', `${says('4')}data: hm\n\n${says('2')}${end}`, {}],
  ])('%s is read', async (_, body, expected) => {
    const { answer, texts, calls } = await read(body);
    expect(answer).toMatchObject({ response: '42', model: 'm', ...expected });
    expect(texts).toEqual(['42']);
    expect(calls).toEqual([{ provider: 'provider', model: 'm' }]);
  });

  test.each<[string, string]>([
    ['length', 'length'],
    ['MAX_TOKENS', 'length'],
    ['content_filter', 'content_filter'],
    ['end_turn', 'stop'],
  ])('that ends because of %s says so', async (given, finishReason) => {
    expect((await read(says('Half a') + chunk({}, given) + done)).answer).toMatchObject({
      response: 'Half a',
      finishReason,
    });
  });

  test('shows its text piece by piece, and never half a character', async () => {
    const half = says('a', 'é').replace('"é"', '"\\ud83d"') + says('b').replace('"b"', '"\\ude00 c"');
    const { answer, pieces } = await read(half + says('ü€') + end);
    expect(answer!.response).toBe('a\u{1f600} cü€');
    expect(pieces).toEqual(['a', '\u{1f600} c', 'ü€']);
  });

  test('whose thinking had no opening tag is told again from where the answer begins', async () => {
    const { answer, texts } = await read(says('six times', ' seven\n', '</think>\n', '\n42') + end);
    expect(answer!.response).toBe('42');
    expect(texts.at(-1)).toBe('42');
    expect(texts).toHaveLength(2);
  });

  test('that thinks again between paragraphs tells only the answer', async () => {
    const { texts } = await read(says('<think>a</think>', 'one\n\n', '<think>b', '</think>', 'two') + end);
    expect(texts).toEqual(['one\n\ntwo']);
  });

  test('whose thinking belongs to the answer is told with it', async () => {
    expect((await read(says('<think>hm</think>', '42') + end, { removeThinking: false })).texts).toEqual([
      '<think>hm</think>42',
    ]);
  });

  test('that is longer than allowed is cut, and says so', async () => {
    const provider = await providerThat((response) => response.end(says('x'.repeat(40_000), 'y'.repeat(40_000)) + end));
    const { answer, texts } = await streamOnce(modelAt(provider.baseUrl, { maxReplyBytes: 70_000 }));
    expect(answer?.finishReason).toBe('length');
    expect(texts.at(-1)).toBe(answer!.response);
  });
});

describe('a stream that fails', () => {
  test.each<[string, string, string]>([
    ['with an error object', event({ error: { message: 'overloaded', type: 'server_error' } }), 'model_unavailable'],
    ['with an error as text', event({ error: 'upstream' }), 'model_unavailable'],
    [
      'with an error of its own event',
      'event: error\ndata: {"message":"slow down","code":429}\n\n',
      'model_rate_limited',
    ],
    [
      'with an error of its choice',
      event({ choices: [{ delta: {}, error: { code: 502, message: 'x' } }] }) + done,
      'model_unavailable',
    ],
    ['with the finish reason error', chunk({}, 'error') + done, 'model_unavailable'],
    ['by simply ending', '', 'model_unavailable'],
    ['within an event', 'data: {"id":"c', 'model_unavailable'],
    [
      'because the conversation is too long',
      event({ error: { code: 'context_length_exceeded' } }),
      'model_context_too_long',
    ],
    ['because of a filter', event({ promptFeedback: { blockReason: 'SAFETY' } }) + done, 'model_content_filtered'],
  ])('%s is a failure, and its tokens are counted', async (_, rest, code) => {
    const { failure, lost } = await read(says('Half', ' a') + rest);
    expect(failure).toMatchObject({ code });
    expect(lost).toEqual(estimated(2));
  });

  test('because its connection breaks is a failure, and its tokens are counted', async () => {
    const provider = await providerThat((response) =>
      response.write(says('Half', ' a'), () => response.socket!.resetAndDestroy()),
    );
    const { failure, lost, texts } = await streamOnce(modelAt(provider.baseUrl));
    expect(failure).toMatchObject({ code: 'model_unreachable', mayBeCharged: true, costlyCalls: 0 });
    expect([lost, texts]).toEqual([estimated(2), ['Half a']]);
  });

  test('after it has said why it stopped is whole', async () => {
    const provider = await providerThat((response) =>
      response.write(says('42') + stop, () => response.socket!.resetAndDestroy()),
    );
    expect((await streamOnce(modelAt(provider.baseUrl))).answer).toMatchObject({ response: '42', usage: null });
  });

  test('counts the tokens that the provider has reported, if it has', async () => {
    const reported = chunk({ content: 'Half' }, null, { usage: { ...usage, completion_tokens: 17 } });
    expect((await read(reported)).lost).toEqual([{ completionTokens: 17, estimated: false }]);
  });
});

describe('a stream that its user stops', () => {
  test('is closed at the provider at once, and its tokens are counted', async () => {
    const caller = new AbortController();
    const reason = new Error('stopped');
    let closed: Promise<unknown> | undefined;
    const provider = await providerThat((response) => {
      closed = once(response, 'close');
      response.write(says('one ', 'two '));
    });
    const { options, lost } = watchProgress();
    const progress = { ...options.progress, text: () => caller.abort(reason) };
    const asked = modelAt(provider.baseUrl).ask(question, caller.signal, 1, {
      ...options,
      progress,
    });
    await expect(asked).rejects.toBe(reason);
    await closed;
    expect(lost).toEqual(estimated(2));
  });
});

describe('the time of a stream', () => {
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const limitsOf = (firstByteTimeoutMs: number, idleTimeoutMs: number) => ({
    firstByteTimeoutMs,
    idleTimeoutMs,
    timeoutMs: 20_000,
  });

  test('to the first token is over although comments come', async () => {
    const provider = await providerThat(async (response) => {
      for (let i = 0; i < 100 && !response.destroyed; i += 1) {
        response.write(': keep-alive\n\n');
        await pause(50);
      }
    });
    const { failure } = await streamOnce(modelAt(provider.baseUrl, limitsOf(300, 10_000)));
    expect(failure).toMatchObject({ code: 'model_timeout', costlyCalls: 1 });
    expect(failure!.message).toMatch(/MODEL_FIRST_TOKEN_TIMEOUT$/);
  });

  test('between two tokens is over if nothing comes', async () => {
    const provider = await providerThat((response) => response.write(says('Half')));
    const { failure, lost } = await streamOnce(modelAt(provider.baseUrl, limitsOf(10_000, 300)));
    expect(failure).toMatchObject({ code: 'model_timeout' });
    expect(failure!.message).toMatch(/MODEL_TOKEN_TIMEOUT$/);
    expect(lost).toEqual(estimated(1));
  });

  test('between two tokens may be longer while comments show that the provider works', async () => {
    const provider = await providerThat(async (response) => {
      response.write(says('4'));
      for (let i = 0; i < 12; i += 1) {
        await pause(100);
        response.write(': keep-alive\n\n');
      }
      response.end(says('2') + end);
    });
    expect((await streamOnce(modelAt(provider.baseUrl, limitsOf(10_000, 800)))).answer?.response).toBe('42');
  });
});

test('a model that refuses stream_options, or to stream, is asked without, which costs one call once', async () => {
  const refusal = (param: string) => ({
    status: 400,
    body: { error: { message: `Unsupported parameter: '${param}'`, param, code: 'unsupported_parameter' } },
  });
  const plain = { choices: [{ message: { content: '42' }, finish_reason: 'stop' }] };
  const provider = await startScriptedProvider(refusal('stream_options'), refusal('stream'), { body: plain });
  stops.push(provider.stop);
  const model = modelAt(provider.baseUrl);
  expect((await streamOnce(model)).texts).toEqual(['42']);
  expect((await streamOnce(model)).texts).toEqual(['42']);
  expect(provider.received.map(({ body }) => [body.stream, body.stream_options])).toEqual([
    [true, { include_usage: true }],
    [true, undefined],
    [undefined, undefined],
    [undefined, undefined],
  ]);
});
