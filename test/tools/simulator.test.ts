import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI, { APIConnectionError, type APIError } from 'openai';
import { logNormal, seededRandom } from '../../tools/simulator/random.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let simulator: TestSimulator;
let client: OpenAI;

beforeAll(async () => {
  simulator = await startSimulator();
  client = new OpenAI({ apiKey: 'any', baseURL: simulator.baseUrl, maxRetries: 0, logLevel: 'off' });
});
afterEach(async () => {
  await simulator.behave({});
  await simulator.reset();
});
afterAll(() => simulator.stop());

const ask = (content: string, options: Partial<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming> = {}) =>
  client.chat.completions.create({ model: 'gpt-5-mini', messages: [{ role: 'user', content }], ...options });

/** The status of the answer, or the error's status and code. */
const outcome = (content: string) =>
  ask(content).then(
    () => 'ok',
    (error: APIError) => `${error.status} ${error.code}`,
  );

describe('an answer', () => {
  test('says that it is simulated, repeats the question and names the simulator as its model', async () => {
    const completion = await ask('What are healthy eating habits?');
    expect(completion.model).toBe('simulator');
    expect(completion.choices[0]?.message.content).toMatch(/^Simulated answer: .*What are healthy eating habits\?/);
    expect(completion.choices[0]?.finish_reason).toBe('stop');
  });

  test('is the same for the same question and another for another', async () => {
    const [first, again, other] = await Promise.all([ask('one'), ask('one'), ask('two')]);
    expect(again.choices[0]?.message.content).toBe(first.choices[0]?.message.content);
    expect(other.choices[0]?.message.content).not.toBe(first.choices[0]?.message.content);
  });

  test('shows that the earlier turns came along', async () => {
    const completion = await ask('', {
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'I am Ada.' },
        { role: 'assistant', content: 'Hello Ada.' },
        { role: 'user', content: 'Who am I?' },
      ],
    });
    expect(completion.choices[0]?.message.content).toContain('2 earlier turns');
    expect(completion.choices[0]?.message.content).toContain('I am Ada.');
    expect((await simulator.calls())[0]).toMatchObject({ text: 'Who am I?', earlierTurns: 2 });
  });

  test('counts four bytes as a token, and ends at the longest answer that was asked for', async () => {
    const { usage } = await ask('12345678');
    expect(usage?.prompt_tokens).toBe(2);
    expect(usage?.total_tokens).toBe(2 + usage!.completion_tokens);

    const short = await ask('12345678', { max_completion_tokens: 4 });
    expect(short.choices[0]?.finish_reason).toBe('length');
    expect(short.choices[0]?.message.content).toHaveLength(16);
    expect(short.usage?.completion_tokens).toBe(4);
  });

  test('streams word by word to the same text, with the usage last where it is asked for', async () => {
    const whole = await ask('What is a stream?');
    const stream = await client.chat.completions.create({
      model: 'gpt-5-mini',
      messages: [{ role: 'user', content: 'What is a stream?' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.Chat.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(chunks.length).toBeGreaterThan(10);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  });

  test('is refused to a request without messages', async () => {
    await expect(ask('', { messages: [] })).rejects.toMatchObject({ status: 400 });
  });

  test('is promised by the list of models', async () => {
    const models = await client.models.list();
    expect(models.data.map((model) => model.id)).toEqual(['simulator']);
  });
});

describe('a behavior for all calls', () => {
  test.each([
    [{ mode: 'error' }, '500 null'],
    [{ mode: 'error', status: 503 }, '503 null'],
    [{ mode: 'error', status: 429 }, '429 rate_limit_exceeded'],
    [{ mode: 'error', status: 400 }, '400 invalid_value'],
    [{ mode: 'error', status: 401 }, '401 invalid_api_key'],
    [{ mode: 'insufficient_quota' }, '429 insufficient_quota'],
    [{ mode: 'content_filter_rejected' }, '400 content_filter'],
    [{ mode: 'context_length_exceeded' }, '400 context_length_exceeded'],
  ])('%j is the error %s', async (behavior, expected) => {
    await simulator.behave(behavior);
    expect(await outcome('anything')).toBe(expected);
  });

  test('stops the answer by the content filter', async () => {
    await simulator.behave({ mode: 'content_filter' });
    expect((await ask('anything')).choices[0]?.finish_reason).toBe('content_filter');
  });

  test('gives an empty answer', async () => {
    await simulator.behave({ mode: 'empty' });
    expect((await ask('anything')).choices[0]?.message.content).toBe('');
  });

  test('breaks the connection within the answer, streamed or not', async () => {
    await simulator.behave({ mode: 'cut' });
    await expect(ask('anything')).rejects.toThrow('terminated');
    const stream = await client.chat.completions.create({
      model: 'm',
      messages: [{ role: 'user', content: 'anything' }],
      stream: true,
    });
    const received: string[] = [];
    await expect(
      (async () => {
        for await (const chunk of stream) received.push(chunk.choices[0]?.delta.content ?? '');
      })(),
    ).rejects.toThrow();
    expect(received.length).toBeGreaterThan(1);
  });

  test('sends JSON that cannot be read, streamed or not', async () => {
    await simulator.behave({ mode: 'invalid_json' });
    await expect(ask('anything')).rejects.toBeInstanceOf(SyntaxError);
    const stream = await client.chat.completions.create({
      model: 'm',
      messages: [{ role: 'user', content: 'anything' }],
      stream: true,
    });
    await expect(
      (async () => {
        for await (const _ of stream);
      })(),
    ).rejects.toBeInstanceOf(SyntaxError);
  });

  test('never answers, and counts the client that goes away', async () => {
    await simulator.behave({ mode: 'hang' });
    const call = client.chat.completions.create(
      { model: 'm', messages: [{ role: 'user', content: 'anything' }] },
      { timeout: 100 },
    );
    await expect(call).rejects.toBeInstanceOf(APIConnectionError);
    const stats = await until('the client is gone', async () => {
      const now = await simulator.stats();
      return now.inFlight === 0 && now;
    });
    expect(stats).toMatchObject({ started: 1, finished: 0, abortedByClient: 1 });
  });

  test('tells by seconds or by a date when to come back', async () => {
    await simulator.behave({ mode: 'error', status: 429, retryAfterSeconds: 90 });
    const seconds = await ask('anything').catch((error: APIError) => error.headers?.get('retry-after'));
    expect(seconds).toBe('90');

    await simulator.behave({ mode: 'error', status: 503, retryAfterSeconds: 90, retryAfterFormat: 'http-date' });
    const before = Date.now();
    const date = await ask('anything').catch((error: APIError) => error.headers?.get('retry-after'));
    expect(Date.parse(String(date))).toBeGreaterThanOrEqual(before + 90_000);
    expect(Date.parse(String(date))).toBeLessThanOrEqual(Date.now() + 91_000);
  });

  test('lasts for as many calls as it says', async () => {
    await simulator.behave({ mode: 'error', calls: 2 });
    const outcomes = [await outcome('a'), await outcome('b'), await outcome('c')];
    expect(outcomes).toEqual(['500 null', '500 null', 'ok']);
  });

  test('fails the same share of calls in the same order for the same seed', async () => {
    const run = async (seed: number) => {
      await simulator.behave({ mode: 'error', probability: 0.5, seed });
      const outcomes: string[] = [];
      for (let call = 0; call < 40; call += 1) outcomes.push(await outcome('anything'));
      return outcomes;
    };
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
    const failed = first.filter((status) => status !== 'ok').length;
    expect(failed).toBeGreaterThan(8);
    expect(failed).toBeLessThan(32);
  });

  test('delays answers by a fixed or a log-normal time', async () => {
    const elapsed = async () => {
      const startedAt = performance.now();
      await ask('anything');
      return performance.now() - startedAt;
    };
    await simulator.behave({ latencyMs: 150 });
    expect(await elapsed()).toBeGreaterThan(140);
    await simulator.behave({ latencyMs: { median: 150, sigma: 0.01 } });
    expect(await elapsed()).toBeGreaterThan(120);
  });

  test('is refused with the reason if it is not understood', async () => {
    await expect(simulator.behave({ mode: 'exploding' })).rejects.toThrow(/400.*mode/s);
    await expect(simulator.behave({ speed: 1 })).rejects.toThrow(/400.*speed/s);
  });
});

describe('a marker in the message', () => {
  test('fails as many calls of that very message as it says', async () => {
    const marked = 'Hello [[simulate status=503 times=2]]';
    const outcomes = [await outcome(marked), await outcome('Hello'), await outcome(marked), await outcome(marked)];
    expect(outcomes).toEqual(['503 null', 'ok', '503 null', 'ok']);
    expect(await outcome('Goodbye [[simulate status=503 times=2]]')).toBe('503 null');
  });

  test('says when to come back', async () => {
    const error = await ask('[[simulate status=429 retry-after=3]]').catch((reason: APIError) => reason);
    expect((error as APIError).headers?.get('retry-after')).toBe('3');
  });

  test('delays the answer, which does not repeat the marker', async () => {
    const startedAt = performance.now();
    const completion = await ask('Are you slow? [[simulate latency=150ms]]');
    expect(performance.now() - startedAt).toBeGreaterThan(140);
    expect(completion.choices[0]?.message.content).toContain('"Are you slow?"');
  });

  test('chooses any mode', async () => {
    expect(await outcome('[[simulate mode=context_length_exceeded]]')).toBe('400 context_length_exceeded');
  });

  test.each(['[[simulate]]', '[[simulate mode=exploding]]', '[[simulate status=200]]', '[[simulate latency=2]]'])(
    '%s is refused, because it is not understood',
    async (marker) => {
      expect(await outcome(marker)).toBe('400 unknown_simulate_marker');
    },
  );
});

test('half of the log-normal delays are shorter than the median, and some are several times as long', () => {
  const random = seededRandom(3);
  const delays = Array.from({ length: 2_000 }, () => logNormal(random, 800, 0.6)).sort((a, b) => a - b);
  expect(delays[1_000]).toBeGreaterThan(750);
  expect(delays[1_000]).toBeLessThan(850);
  expect(delays.at(-1)).toBeGreaterThan(4 * 800);
});

describe('the counts', () => {
  test('say how many calls there were, at once and by status, and for which message', async () => {
    await simulator.behave({ latencyMs: 2_000 });
    await Promise.all([ask('first'), ask('second'), ask('third'), outcome('[[simulate status=500 latency=2s]]')]);
    const stats = await until('all calls are over', async () => {
      const now = await simulator.stats();
      return now.inFlight === 0 && now;
    });
    expect(stats).toEqual({
      started: 4,
      finished: 4,
      abortedByClient: 0,
      inFlight: 0,
      maxInFlight: 4,
      byStatus: { 200: 3, 500: 1 },
    });
    const calls = await simulator.calls();
    expect(calls.map((call) => call.text).sort()).toEqual([
      '[[simulate status=500 latency=2s]]',
      'first',
      'second',
      'third',
    ]);
    for (const call of calls) expect(Date.parse(call.endedAt!)).toBeGreaterThan(Date.parse(call.startedAt));

    await simulator.reset();
    expect(await simulator.stats()).toMatchObject({ started: 0, finished: 0, byStatus: {} });
    expect(await simulator.calls()).toEqual([]);
  });
});

describe('the command', () => {
  const run = (...args: string[]) => spawn(process.execPath, ['tools/simulator/main.ts', ...args]);

  const exitOf = async (child: ChildProcess) => {
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    const [code] = await once(child, 'close');
    return { code, output };
  };

  test('prints its address, answers there, and exits with 0 when it is told to stop', async () => {
    const child = run('--port', '0');
    try {
      const [line] = await once(createInterface({ input: child.stdout }), 'line');
      const url = /^simulator listening on (http:\/\/127\.0\.0\.1:\d+\/v1)$/.exec(line)?.[1];
      const remote = new OpenAI({ apiKey: 'any', baseURL: url!, maxRetries: 0 });
      const hanging = remote.chat.completions
        .create({ model: 'm', messages: [{ role: 'user', content: '[[simulate mode=hang]]' }] })
        .catch((error: unknown) => error);
      await until('the call has arrived', async () => {
        const response = await fetch(new URL('/control/stats', url));
        return ((await response.json()) as { inFlight: number }).inFlight === 1;
      });
      const exit = exitOf(child);
      child.kill('SIGTERM');
      expect((await exit).code).toBe(0);
      expect(await hanging).toBeInstanceOf(APIConnectionError);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('explains itself, and refuses what it does not know', async () => {
    expect(await exitOf(run('--help'))).toMatchObject({ code: 0, output: expect.stringContaining('--port N') });
    expect(await exitOf(run('--speed', '1'))).toMatchObject({ code: 2, output: expect.stringContaining('--speed') });
    expect(await exitOf(run('--port', 'x'))).toMatchObject({ code: 2 });
  });
});
