import { expect, jest, test } from '@jest/globals';
import type { WorkflowState } from '../../../src/adapters/jobs/chat-job.ts';
import { RequestFailure } from '../../../src/contracts/errors.ts';
import { createRun } from '../../../src/workflows/engine/run.ts';

function begin(attempt: number, earlier?: WorkflowState, crashes = earlier?.crashes ?? 0) {
  const saved: WorkflowState[] = [];
  const run = createRun({
    attempt,
    crashes,
    earlier,
    save: async (state) => {
      saved.push(structuredClone(state));
    },
    onStep: () => {},
  });
  return { run, saved };
}

const fail = async () => {
  throw new RequestFailure('model_timeout', 'too slow');
};

test('a later attempt does not repeat a step that finished, and gets its result', async () => {
  const first = begin(1);
  expect(await first.run.step('ask', async () => 'paid for')).toBe('paid for');
  await expect(first.run.step('publish', fail)).rejects.toThrow('too slow');

  const second = begin(2, first.run.state);
  expect(
    await second.run.step('ask', async () => {
      throw new Error('asked again');
    }),
  ).toBe('paid for');
  let published = 0;
  await second.run.step('publish', async () => {
    published++;
  });
  expect(published).toBe(1);
});

test('what a step gave is written down when it is saved', async () => {
  const { run, saved } = begin(1);
  await run.step('ask', async () => 'paid for');
  expect(saved).toEqual([]);
  await run.save();
  expect(saved.map(({ step, results }) => [step, results])).toEqual([['ask', { ask: 'paid for' }]]);
});

test('an attempt knows that the one before it was cut short, and one after a written end that it was not', async () => {
  const first = begin(1);
  expect(first.run.interrupted).toBe(false);
  const second = begin(1, undefined, 1);
  expect(second.run.interrupted).toBe(true);
  await second.run.save();
  expect(begin(2, second.saved.at(-1), 1).run.interrupted).toBe(false);
  expect(begin(2, second.saved.at(-1), 2).run.interrupted).toBe(true);
});

test('whoever looks sees each step with its attempt, its time and what went wrong', async () => {
  const first = begin(1);
  await first.run.step('check', async () => undefined);
  await expect(first.run.step('ask', fail)).rejects.toThrow();
  const { run } = begin(2, first.run.state);
  await run.step('ask', async () => 'paid for');
  expect(run.state.steps).toEqual([
    { step: 'check', attempt: 1, ms: expect.any(Number) },
    { step: 'ask', attempt: 1, ms: expect.any(Number), failed: 'model_timeout' },
    { step: 'ask', attempt: 2, ms: expect.any(Number) },
  ]);
});

test('attempts that a gate turns away are one entry, with how often and for how long, and other steps stay', async () => {
  jest.useFakeTimers({ doNotFake: ['performance'] });
  try {
    const first = begin(1);
    await first.run.step('ask', fail).catch(() => {});
    let { state } = first.run;
    for (let i = 0; i < 40; i++) {
      const { run } = begin(2, structuredClone(state));
      await run.step('check', async () => undefined);
      await run.step('ask', fail).catch(() => {});
      run.turnedAway('p/m');
      state = run.state;
      jest.advanceTimersByTime(1_000);
    }
    const { run } = begin(2, structuredClone(state));
    await run.step('ask', async () => 'paid for');
    expect(run.state.steps).toEqual([
      { step: 'ask', attempt: 1, ms: expect.any(Number), failed: 'model_timeout' },
      {
        step: 'wait-for-gate',
        attempt: 2,
        ms: 40_000,
        waited: { gate: 'p/m', times: 40, since: expect.any(String) },
      },
      { step: 'ask', attempt: 2, ms: expect.any(Number) },
    ]);
    const elsewhere = begin(2, structuredClone(state)).run;
    elsewhere.turnedAway('another');
    expect(elsewhere.state.steps.map(({ waited }) => waited?.times)).toEqual([undefined, 40, 1]);
  } finally {
    jest.useRealTimers();
  }
});

test('the list of steps stays short however often a request is repeated', async () => {
  let state: WorkflowState | undefined;
  for (let attempt = 1; attempt <= 200; attempt++) {
    const { run } = begin(attempt, state);
    await run.step('ask', fail).catch(() => {});
    state = run.state;
  }
  expect(state?.steps.length).toBeLessThanOrEqual(30);
  expect(state?.steps.at(-1)?.attempt).toBe(200);
});
