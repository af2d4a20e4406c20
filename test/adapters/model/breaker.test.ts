import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type Breaker, createBreaker } from '../../../src/adapters/model/breaker.ts';
import { createFallbackModel } from '../../../src/adapters/model/fallback-model.ts';
import { createGateAdmin, registerGate } from '../../../src/adapters/model/gate-admin.ts';
import type { Model } from '../../../src/adapters/model/model.ts';
import { createProviderGate, type GateState } from '../../../src/adapters/model/provider-gate.ts';
import { connectToOneServer } from '../../../src/adapters/redis/connect-redis.ts';
import type { FailureCode } from '../../../src/contracts/error-codes.ts';
import { ModelPausedError, ProviderBrokenError, RequestFailure } from '../../../src/contracts/errors.ts';
import type { ModelAnswer } from '../../../src/contracts/model-answer.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisUrl } from '../../services.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';

const OPEN_MS = 300;
/** A Redis that is slow for a moment must not count as away. */
const REDIS_TIMEOUT_MS = 5_000;
const { logger } = captureLog();
const question = { message: 'Is it?', context: [] };
const never = new AbortController().signal;
const answer: ModelAnswer = {
  response: 'Yes.',
  model: 'm',
  provider: 'p',
  usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2, cost: null },
  finishReason: 'stop',
};
const failure = (code: FailureCode) => new RequestFailure(code, 'no');

let redisUrl: string;
beforeAll(async () => {
  redisUrl = await testRedisUrl();
});
const opened: Redis[] = [];
const breakers: Breaker[] = [];
afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.close();
  for (const redis of opened.splice(0)) redis.disconnect();
});

/** A provider that does as the test says, and counts. */
function provider() {
  const model = {
    calls: 0,
    /** What the next calls do. */
    behave: async (): Promise<ModelAnswer> => answer,
    parametersOf: () => ({ provider: 'p', body: { model: 'm', messages: [] } }),
    ask: () => {
      model.calls += 1;
      return model.behave();
    },
    fail: (error: Error) => {
      model.behave = () => Promise.reject(error);
    },
    recover: () => {
      model.behave = async () => answer;
    },
  };
  return model;
}

/** A worker's breaker before the provider. */
function worker(
  model: Model,
  name: string,
  options: {
    maxConsecutive?: number;
    minCalls?: number;
    shutMs?: number;
    probeLeaseMs?: number;
    key?: string;
    url?: string;
    subscriberUrl?: string;
    redisTimeoutMs?: number;
  } = {},
) {
  const { url = redisUrl, shutMs = OPEN_MS } = options;
  // As the worker connects them.
  const redis = connectToOneServer({ url, name, logger, commandTimeoutMs: options.redisTimeoutMs ?? REDIS_TIMEOUT_MS });
  const subscriber = connectToOneServer({ url: options.subscriberUrl ?? url, name, logger });
  opened.push(redis, subscriber);
  const states: GateState[] = [];
  const gate = createProviderGate({
    name,
    redis,
    subscriber,
    shutMs,
    ...(options.probeLeaseMs !== undefined && { probeLeaseMs: options.probeLeaseMs }),
    key: options.key ?? 'key-1',
    onStateChange: (state) => states.push(state),
  });
  const breaker = createBreaker(model, gate, {
    errorPercent: 50,
    minCalls: options.minCalls ?? 1_000,
    maxConsecutive: options.maxConsecutive ?? 3,
    shutMs,
  });
  breakers.push(breaker);
  const ask = (signal = never) => breaker.ask(question, signal, 1).catch((error: unknown) => error);
  const connected = () => until('it is connected', () => redis.status === 'ready' && subscriber.status === 'ready');
  return { breaker, states, ask, state: () => breaker.state, connected };
}

/** Two workers that hear of each other. */
async function twoWorkers(model: Model, name: string, options: { shutMs?: number; probeLeaseMs?: number } = {}) {
  const [one, two] = [worker(model, name, options), worker(model, name, options)];
  await Promise.all([one.connected(), two.connected()]);
  return { one, two };
}

const isPaused = (result: unknown) => result instanceof ModelPausedError;
/** Asks until a question passes, or fails for another reason than a pause. */
const untilItPasses = (ask: () => Promise<unknown>) =>
  until('a question passes', async () => {
    const result = await ask();
    return isPaused(result) ? undefined : { result };
  });

/** Asks until the model is asked. Returns the promise of the answer. */
const askTheProbe = (model: { calls: number }, ask: () => Promise<unknown>) => {
  const { calls } = model;
  let probe: Promise<unknown> | undefined;
  return until('the probe is under way', () => {
    probe ??= ask().then((result) => {
      if (isPaused(result)) probe = undefined;
      return result;
    });
    return model.calls > calls && { probe };
  });
};

test('this many failures in a row shut the gate for all workers, and for one that starts later', async () => {
  const model = provider();
  const name = randomUUID();
  const options = { shutMs: 60_000 };
  const { one, two } = await twoWorkers(model, name, options);
  await two.ask();
  model.fail(failure('model_unavailable'));
  for (let i = 0; i < 3; i++) await one.ask();
  const refused = await one.ask();
  expect(isPaused(refused)).toBe(true);
  expect((refused as ModelPausedError).retryAfterMs).toBeLessThanOrEqual(options.shutMs * 1.2);
  await until('the other worker knows', () => two.state() !== 'open');
  expect(isPaused(await worker(model, name, options).ask())).toBe(true);
  expect(model.calls).toBe(4);
});

test('a share of failures shuts the gate too, but failures of requests do not', async () => {
  const model = provider();
  const one = worker(model, randomUUID(), { maxConsecutive: 1_000, minCalls: 10, shutMs: 60_000 });
  model.fail(failure('model_rejected'));
  for (let i = 0; i < 20; i++) await one.ask();
  expect(one.state()).toBe('open');
  for (let i = 0; i < 30 && one.state() === 'open'; i++) {
    model.fail(failure('model_timeout'));
    await one.ask();
  }
  expect(one.state()).toBe('shut');
});

test('a probing gate lets one call of all workers probe, and its answer lets all calls pass', async () => {
  const model = provider();
  const name = randomUUID();
  const workers = [worker(model, name), worker(model, name), worker(model, name)];
  for (const { connected } of workers) await connected();
  model.fail(failure('model_unavailable'));
  for (let i = 0; i < 3; i++) await workers[0]!.ask();
  for (const { state } of workers) await until('all know', () => state() !== 'open');
  const probe = Promise.withResolvers<ModelAnswer>();
  model.behave = () => probe.promise;
  model.calls = 0;
  await sleep(OPEN_MS + 50);
  const results = workers.flatMap(({ ask }) => [ask(), ask()]);
  await until('the probe is under way', () => model.calls === 1);
  await sleep(200);
  expect(model.calls).toBe(1);
  model.recover();
  probe.resolve(answer);
  const settled = await Promise.all(results);
  expect(settled.filter((result) => result === answer)).toHaveLength(1);
  expect(settled.filter(isPaused)).toHaveLength(5);
  for (const { ask, state } of workers) {
    await until('this worker knows', () => state() === 'open');
    expect(await ask()).toBe(answer);
  }
});

test('a probe that fails keeps the gate shut, longer each time', async () => {
  const model = provider();
  const one = worker(model, randomUUID());
  model.fail(failure('model_unreachable'));
  for (let i = 0; i < 3; i++) await one.ask();
  const pauses: number[] = [];
  for (let i = 0; i < 3; i++) {
    await untilItPasses(one.ask);
    pauses.push(((await one.ask()) as ModelPausedError).retryAfterMs);
  }
  expect(pauses[1]!).toBeGreaterThan(pauses[0]! * 1.3);
  expect(pauses[2]!).toBeGreaterThan(pauses[1]! * 1.3);
  model.recover();
  expect((await untilItPasses(one.ask)).result).toBe(answer);
  expect(one.state()).toBe('open');
});

test('while a worker probes, nobody else does, however long it takes; when the worker dies, another probes soon', async () => {
  const model = provider();
  const name = randomUUID();
  const { one, two } = await twoWorkers(model, name, { probeLeaseMs: 600 });
  model.fail(failure('model_unavailable'));
  for (let i = 0; i < 3; i++) await one.ask();
  model.behave = () => new Promise(() => {});
  await askTheProbe(model, one.ask);
  model.recover();
  const refusedUntil = performance.now() + 1_500;
  while (performance.now() < refusedUntil) {
    expect(isPaused(await two.ask())).toBe(true);
    await sleep(50);
  }
  // It no longer renews its lease, as if it had been killed.
  one.breaker.close();
  expect((await untilItPasses(two.ask)).result).toBe(answer);
});

test('a probe that streams lets all calls pass from its first text on, and how it ends is no news', async () => {
  const model = provider();
  const name = randomUUID();
  const { one, two } = await twoWorkers(model, name);
  model.fail(failure('model_unavailable'));
  for (let i = 0; i < 3; i++) await one.ask();
  const streamed = Promise.withResolvers<ModelAnswer>();
  const streaming: Model = {
    ...model,
    ask: (_question, _signal, _attempt, options) => {
      model.calls += 1;
      options?.progress?.begun({ provider: 'p', model: 'm' });
      return streamed.promise;
    },
  };
  const three = worker(streaming, name);
  await three.connected();
  const progress = { begun: () => {}, text: () => {} };
  const { probe } = await askTheProbe(model, () =>
    three.breaker.ask(question, never, 1, { progress }).catch((error: unknown) => error),
  );
  model.recover();
  for (const { state } of [one, two, three]) await until('this worker knows', () => state() === 'open');
  expect(await two.ask()).toBe(answer);
  streamed.reject(failure('model_timeout'));
  await probe;
  expect(three.state()).toBe('open');
});

test('a probe that its caller aborted shows nothing, and the next question probes', async () => {
  const model = provider();
  const one = worker(model, randomUUID());
  model.fail(failure('model_unavailable'));
  for (let i = 0; i < 3; i++) await one.ask();
  const caller = new AbortController();
  model.behave = () =>
    new Promise((_, reject) => caller.signal.addEventListener('abort', () => reject(new Error('gone'))));
  const { probe } = await askTheProbe(model, () => one.ask(caller.signal));
  caller.abort();
  await probe;
  model.recover();
  expect((await untilItPasses(one.ask)).result).toBe(answer);
});

test('Retry-After of one call holds back all workers, for as long as it says', async () => {
  const model = provider();
  const name = randomUUID();
  const { one, two } = await twoWorkers(model, name);
  await two.ask();
  model.fail(new ModelPausedError('model_rate_limited', 'Later.', 3 * 24 * 3_600_000));
  await one.ask();
  await until('the other worker knows', () => two.state() === 'shut');
  for (const { ask } of [one, two, worker(model, name)]) {
    const refused = await ask();
    expect((refused as ModelPausedError).retryAfterMs).toBeGreaterThan(3 * 24 * 3_600_000 - 60_000);
  }
  expect(model.calls).toBe(2);
});

test('a shorter pause does not cut a longer one short', async () => {
  const model = provider();
  const one = worker(model, randomUUID());
  const later = Promise.withResolvers<void>();
  model.behave = async () => {
    const pauseMs = model.calls === 1 ? 60_000 : 1_000;
    await later.promise;
    throw new ModelPausedError('model_rate_limited', 'Later.', pauseMs);
  };
  const both = [one.ask(), one.ask()];
  await until('both are under way', () => model.calls === 2);
  later.resolve();
  await Promise.all(both);
  expect(((await one.ask()) as ModelPausedError).retryAfterMs).toBeGreaterThan(50_000);
});

for (const way of ['cut', 'silence'] as const) {
  test(`with Redis away (${way}) a worker uses its own copy of the state, and no question waits for Redis`, async () => {
    const proxy = await startTcpProxy(redisUrl);
    try {
      const model = provider();
      const alone = worker(model, randomUUID(), { url: proxy.url, redisTimeoutMs: 200, shutMs: 2_000 });
      expect(await alone.ask()).toBe(answer);
      proxy[way]();
      expect(await alone.ask()).toBe(answer);
      model.fail(failure('model_unavailable'));
      for (let i = 0; i < 3; i++) await alone.ask();
      expect(isPaused(await alone.ask())).toBe(true);
      model.recover();
      expect((await untilItPasses(alone.ask)).result).toBe(answer);
      expect(alone.states).toEqual(['shut', 'probing', 'open']);
    } finally {
      await proxy.stop();
    }
  });
}

test('a worker that starts while Redis is away still answers', async () => {
  expect(await worker(provider(), randomUUID(), { url: 'redis://127.0.0.1:9' }).ask()).toBe(answer);
});

test('a worker that starts while the provider is shut knows it, also when it is subscribed late', async () => {
  const model = provider();
  const name = randomUUID();
  const proxy = await startTcpProxy(redisUrl);
  try {
    const one = worker(model, name);
    await one.ask();
    proxy.holdFromClient();
    const late = worker(model, name, { subscriberUrl: proxy.url });
    const asked = late.ask();
    await until('it is connecting', () => proxy.accepted === 1);
    await sleep(100);
    model.fail(new ModelPausedError('model_rate_limited', 'Later.', 60_000));
    await one.ask();
    proxy.release();
    expect(isPaused(await asked)).toBe(true);
    expect(model.calls).toBe(2);
  } finally {
    await proxy.stop();
  }
});

test('a look that was under way when a notice came does not undo it', async () => {
  const model = provider();
  const name = randomUUID();
  const proxy = await startTcpProxy(redisUrl);
  try {
    const [one, two] = [worker(model, name), worker(model, name, { url: proxy.url, subscriberUrl: redisUrl })];
    await Promise.all([one.ask(), two.ask()]);
    const { passed } = proxy;
    proxy.holdFromServer();
    await until('it looks', () => proxy.passed > passed);
    // Time for Redis to answer what was asked.
    await sleep(100);
    model.fail(new ModelPausedError('model_rate_limited', 'Later.', 60_000));
    await one.ask();
    await until('the other worker knows', () => two.state() === 'shut');
    proxy.release();
    await sleep(100);
    expect(two.state()).toBe('shut');
  } finally {
    await proxy.stop();
  }
});

test('a worker that missed a notice finds the change at its next look', async () => {
  const model = provider();
  const name = randomUUID();
  const one = worker(model, name);
  await one.ask();
  const redis = new Redis(redisUrl);
  opened.push(redis);
  await redis.hset(redisKeys.gate(name), 'until', Date.now() + 60_000);
  await until('it is seen', () => one.state() === 'shut');
});

test('the next provider is asked while the first is shut or has failed often enough, and the answer names it', async () => {
  const [first, second] = [provider(), provider()];
  const name = randomUUID();
  const model = createFallbackModel([worker(first, `${name}/1`).breaker, worker(second, `${name}/2`).breaker], 2);
  const ask = (attempt: number) => model.ask(question, never, attempt);
  expect(await ask(1)).toBe(answer);
  first.fail(failure('model_unavailable'));
  await expect(ask(1)).rejects.toMatchObject({ code: 'model_unavailable' });
  expect(second.calls).toBe(0);
  expect(await ask(2)).toEqual({ ...answer, byFallback: true });
  await ask(2);
  const calls = first.calls;
  expect(await ask(1)).toEqual({ ...answer, byFallback: true });
  expect(first.calls).toBe(calls);
});

test('what is wrong with the request goes to no other provider', async () => {
  const [first, second] = [provider(), provider()];
  const model = createFallbackModel([first, second], 1);
  first.fail(failure('model_content_filtered'));
  await expect(model.ask(question, never, 5)).rejects.toMatchObject({ code: 'model_content_filtered' });
  expect(second.calls).toBe(0);
});

test('if all providers are shut, the shortest pause counts', async () => {
  const [first, second] = [provider(), provider()];
  first.fail(new ModelPausedError('model_rate_limited', 'Later.', 60_000));
  second.fail(new ModelPausedError('model_unavailable', 'Soon.', 2_000));
  const model = createFallbackModel([first, second], 1);
  await expect(model.ask(question, never, 1)).rejects.toMatchObject({ retryAfterMs: 2_000 });
});

const broken = (why: 'key' | 'quota' | 'model' = 'key') => new ProviderBrokenError(why, 'refused', { provider: 'p' });

test('a provider that is broken for everybody is asked once, and by no other worker; nobody waits for it', async () => {
  const model = provider();
  const name = randomUUID();
  const { one, two } = await twoWorkers(model, name, { shutMs: 60_000 });
  await two.ask();
  model.fail(broken('quota'));
  expect(await one.ask()).toMatchObject({ code: 'model_quota_exhausted' });
  await until('the other worker knows', () => two.state() === 'shut');
  for (const { ask } of [one, two, worker(model, name)]) {
    expect(await ask()).toMatchObject({ code: 'model_quota_exhausted', why: 'quota', retryable: false });
  }
  expect(model.calls).toBe(2);
});

test('a provider that was broken is found to be well by one call, and fails all others until then', async () => {
  const model = provider();
  const one = worker(model, randomUUID());
  model.fail(broken());
  await one.ask();
  expect(await one.ask()).toBeInstanceOf(ProviderBrokenError);
  await until('the time is over', () => one.state() === 'probing');
  expect(await one.ask()).toBeInstanceOf(ProviderBrokenError);
  expect(model.calls).toBe(2);
  expect(one.state()).toBe('shut');
  model.recover();
  await until('the time is over', () => one.state() === 'probing');
  expect(await one.ask()).toBe(answer);
  expect(one.state()).toBe('open');
});

test('a worker with another key than the refused one asks at once', async () => {
  const model = provider();
  const name = randomUUID();
  const old = worker(model, name, { shutMs: 60_000 });
  model.fail(broken());
  await old.ask();
  model.recover();
  const renewed = worker(model, name, { shutMs: 60_000, key: 'key-2' });
  expect(await renewed.ask()).toBe(answer);
  await until('the other worker knows', () => old.state() === 'open');
});

test('gates are listed with what is wrong with them, and one that is opened is asked again by all workers', async () => {
  const model = provider();
  const name = `p/${randomUUID()}`;
  const { one, two } = await twoWorkers(model, name, { shutMs: 60_000 });
  await two.ask();
  const redis = new Redis(redisUrl);
  opened.push(redis);
  await registerGate(redis, name, { provider: 'p', model: name.slice(2) });
  const admin = createGateAdmin(redis);
  const gateNow = async () => (await admin.list()).find(({ gate }) => gate === name);
  expect(await gateNow()).toMatchObject({ state: 'open', cause: null, since: null, until: null });
  model.fail(new ModelPausedError('model_rate_limited', 'Later.', 60_000));
  await one.ask();
  const shut = (await gateNow())!;
  expect(shut).toMatchObject({ provider: 'p', state: 'shut', cause: 'retry-after' });
  expect(Date.parse(shut.until!) - Date.parse(shut.since!)).toBeGreaterThan(59_000);
  await until('the other worker knows', () => two.state() === 'shut');
  model.recover();
  expect(await admin.open(name)).toEqual({ gate: name, wasShut: true });
  for (const { state, ask } of [one, two]) {
    await until('this worker knows', () => state() === 'open');
    expect(await ask()).toBe(answer);
  }
  expect(await admin.open('p/unheard-of')).toBeUndefined();
});

test('a gate that an operator shuts stays shut, even if a probe succeeds that was under way', async () => {
  const model = provider();
  const name = `p/${randomUUID()}`;
  const { one, two } = await twoWorkers(model, name);
  const redis = new Redis(redisUrl);
  opened.push(redis);
  await registerGate(redis, name, { provider: 'p', model: name.slice(2) });
  const admin = createGateAdmin(redis);
  model.fail(failure('model_unavailable'));
  for (let i = 0; i < 3; i++) await one.ask();
  const answered = Promise.withResolvers<ModelAnswer>();
  model.behave = () => answered.promise;
  await until('the gate is probing', () => one.state() === 'probing');
  const { probe } = (await askTheProbe(model, one.ask)) as { probe: Promise<unknown> };
  expect(await admin.shut(name, 60_000)).toMatchObject({ gate: name, wasShut: true, cause: 'operator' });
  answered.resolve(answer);
  expect(await probe).toBe(answer);
  for (const { state, ask } of [one, two]) {
    await until('this worker knows', () => state() === 'shut');
    expect(await ask()).toBeInstanceOf(ModelPausedError);
  }
  const [gate] = (await admin.list()).filter((listed) => listed.gate === name);
  expect(gate).toMatchObject({ state: 'shut', cause: 'operator' });
  model.recover();
  await admin.open(name);
  for (const { ask } of [one, two]) expect(await untilItPasses(ask)).toEqual({ result: answer });
  expect(await admin.shut('p/unheard-of', 1_000)).toBeUndefined();
});

test('what is broken goes to the next provider at once, in the first attempt', async () => {
  const [first, second] = [provider(), provider()];
  const name = randomUUID();
  const model = createFallbackModel([worker(first, `${name}/1`).breaker, worker(second, `${name}/2`).breaker], 5);
  for (const why of ['key', 'quota', 'model'] as const) first.fail(broken(why));
  expect(await model.ask(question, never, 1)).toEqual({ ...answer, byFallback: true });
  expect(await model.ask(question, never, 1)).toEqual({ ...answer, byFallback: true });
  expect([first.calls, second.calls]).toEqual([1, 2]);
});

test('where all providers are broken, the first says what is wrong; where one is only paused, it is waited for', async () => {
  const [first, second] = [provider(), provider()];
  const model = createFallbackModel([first, second], 1);
  first.fail(broken('key'));
  second.fail(broken('quota'));
  await expect(model.ask(question, never, 1)).rejects.toMatchObject({ why: 'key' });
  second.fail(new ModelPausedError('model_rate_limited', 'Later.', 2_000));
  await expect(model.ask(question, never, 1)).rejects.toMatchObject({ retryAfterMs: 2_000 });
});

test('a provider that timed out is not asked again in this attempt: the next one is, and the calls are counted', async () => {
  const [first, second] = [provider(), provider()];
  const model = createFallbackModel([first, second], 5);
  const timedOut = () => new RequestFailure('model_timeout', 'slow', { costlyCalls: 1 });
  first.fail(timedOut());
  expect(await model.ask(question, never, 1)).toEqual({ ...answer, byFallback: true });
  second.fail(timedOut());
  await expect(model.ask(question, never, 1)).rejects.toMatchObject({ code: 'model_timeout', costlyCalls: 2 });
});

test('one request that fails again and again shuts the provider for nobody else', async () => {
  const model = provider();
  const { breaker, state } = worker(model, randomUUID(), { maxConsecutive: 3 });
  const ask = (requestId: string) => breaker.ask({ ...question, requestId }, never, 1).catch((error: unknown) => error);
  model.fail(failure('model_unavailable'));
  for (let attempt = 0; attempt < 6; attempt++) await ask('poison');
  expect(state()).toBe('open');
  await ask('another');
  await ask('a third');
  expect(state()).toBe('shut');
});

test('a refusal that may be about its one request shuts nothing while the provider answers others', async () => {
  const model = provider();
  const { ask, state } = worker(model, randomUUID(), { maxConsecutive: 3, shutMs: 60_000 });
  const forbidden = new ProviderBrokenError('key', 'forbidden', { certain: false });
  for (let i = 0; i < 4; i++) {
    model.recover();
    await ask();
    model.fail(forbidden);
    expect(await ask()).toBe(forbidden);
    await ask();
    expect(state()).toBe('open');
  }
  await ask();
  expect(state()).toBe('shut');
});

test('a refusal shuts a provider at once that has answered nobody, or that names what is broken', async () => {
  const model = provider();
  const uncertain = worker(model, randomUUID(), { shutMs: 60_000 });
  model.fail(new ProviderBrokenError('key', 'forbidden', { certain: false }));
  await uncertain.ask();
  expect(uncertain.state()).toBe('shut');
  const certain = worker(model, randomUUID(), { shutMs: 60_000 });
  model.recover();
  await certain.ask();
  model.fail(new ProviderBrokenError('key', 'refused'));
  await certain.ask();
  expect(certain.state()).toBe('shut');
});
