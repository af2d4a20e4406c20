import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { modelAt, never, watchProgress } from '../adapters/model/ask-provider.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';

let simulator: TestSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

async function stream(marker: string) {
  const { options, ...told } = watchProgress();
  const question = { message: `What is it? é€ [[simulate ${marker}]]`, context: [] };
  const outcome = await modelAt(simulator.baseUrl, { maxTokens: 1_000 })
    .ask(question, never, 1, options)
    .then(
      (answer) => ({ answer, code: undefined }),
      (error) => ({ answer: undefined, code: error.code as string }),
    );
  return { ...outcome, ...told };
}

test('the simulator streams as many tokens as it is told, with the usage at the end', async () => {
  const { answer, pieces } = await stream('tokens-per-second=1000 tokens=50');
  expect(pieces).toHaveLength(50);
  expect(answer).toMatchObject({ response: pieces.join(''), finishReason: 'stop', usage: expect.anything() });
});

test.each([
  ['break-at=5', 'model_unreachable'],
  ['break-at=5 break-by=end', 'model_unavailable'],
  ['break-at=5 break-by=error', 'model_unavailable'],
])('a simulated stream breaks off: %s', async (marker, code) => {
  const outcome = await stream(`tokens-per-second=1000 ${marker}`);
  expect(outcome).toMatchObject({ code, lost: [{ completionTokens: 7, estimated: true }] });
  expect(outcome.pieces).toHaveLength(4);
});

test.each([
  'cut-bytes',
  'comments',
  'stall-at=3 stall=50ms',
  'mode=think',
  'mode=parts',
  'stream-usage=with-last-token',
])('a simulated stream is the same answer: %s', async (marker) => {
  const { answer, texts } = await stream(`tokens-per-second=1000 ${marker}`);
  expect(answer).toMatchObject({ response: expect.stringContaining('é€'), usage: expect.anything() });
  expect(texts).toEqual([answer!.response]);
});

test('a simulated stream without a usage counts as unknown', async () => {
  expect((await stream('stream-usage=none')).answer?.usage).toBeNull();
});

test('the tokens of a simulated stream can be the times when they are written', async () => {
  await simulator.behave({ stream: { tokensPerSecond: 1000, tokens: 3, times: true } });
  const now = () => Number(process.hrtime.bigint() / 1000n);
  const askedAt = now();
  const { pieces, options } = watchProgress();
  await modelAt(simulator.baseUrl).ask({ message: 'What time is it?', context: [] }, never, 1, options);
  await simulator.behave({});
  const times = pieces.map(Number);
  expect(times).toHaveLength(3);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[0]).toBeGreaterThan(askedAt);
  expect(times[2]).toBeLessThan(now());
});

test('the simulator says what it is told to say, streamed or not', async () => {
  const said = 'Yes.\n\n- **first**\n- second';
  await simulator.behave({ answer: said, stream: { tokensPerSecond: 1_000 } });
  const { options, pieces } = watchProgress();
  const question = { message: 'What is it?', context: [] };
  const model = modelAt(simulator.baseUrl, { maxTokens: 1_000 });
  expect(await model.ask(question, never, 1, options)).toMatchObject({ response: said });
  expect(pieces.length).toBeGreaterThan(3);
  expect(await model.ask(question, never, 1)).toMatchObject({ response: said });
  await simulator.behave({});
});
