import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { cancelRequest } from '../../src/adapters/jobs/cancellations.ts';
import type { ChatResponse } from '../../src/contracts/chat-response.ts';
import { JOBS_PREFIX } from '../../src/contracts/queues.ts';
import { startAnsweringWorker } from '../answering-worker.ts';
import type { QueueClient } from '../queue-client.ts';
import { textOf } from '../redis-text.ts';
import { newMasterKey } from '../seals.ts';
import type { TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';
import { openLogs } from './follow-log.ts';

const LATENCY_MS = 700;
const keys = { ENCRYPTION_KEYS: newMasterKey() };

const ann = { userId: 'ann', tenantId: 'north' };
const bob = { userId: 'bob', tenantId: 'north' };
const eve = { userId: 'eve', tenantId: 'south' };
const joe = { userId: 'joe' };
const kim = { userId: 'kim' };
interface Somebody {
  userId: string;
  tenantId?: string;
}
const nameOf = ({ userId, tenantId }: Somebody) => (tenantId ? `${userId} of ${tenantId}` : userId);

type Pair = readonly [Somebody, Somebody];

/** For each scope, whose answer saves whom a call of the model, and whose does not. */
const SCOPES: Record<'user' | 'tenant' | 'all', { saves: Pair[]; savesNot: Pair[] }> = {
  user: { saves: [], savesNot: [[ann, bob]] },
  tenant: {
    saves: [[ann, bob]],
    savesNot: [
      [ann, eve],
      [ann, joe],
      [joe, ann],
      [joe, kim],
    ],
  },
  all: {
    saves: [
      [ann, eve],
      [joe, kim],
    ],
    savesNot: [],
  },
};
describe.each([
  ['user', 'encrypted', keys],
  ['tenant', 'encrypted', keys],
  ['all', 'encrypted', keys],
  ['all', 'as they are', {}],
] as const)('CACHE_SCOPE=%s, texts %s', (scope, _, encryption) => {
  let simulator: TestSimulator;
  let client: QueueClient;
  let redis: Redis;
  let logs: ReturnType<typeof openLogs>;

  beforeAll(async () => {
    const started = await startAnsweringWorker({
      CACHE_SCOPE: scope,
      // The test reads the messages of the worker, which are not what it is about.
      PLAIN_TEXTS_FOR_OTHERS: 'true',
      ...encryption,
    });
    ({ simulator, client } = started);
    redis = new Redis(started.redisUrl);
    logs = openLogs(started.redisUrl, 'ENCRYPTION_KEYS' in encryption ? encryption.ENCRYPTION_KEYS : undefined);
  });
  afterAll(() => {
    logs?.close();
    redis?.disconnect();
  });

  const begin = async (who: Somebody, message: string, fields: object = {}) => {
    const request = { requestId: randomUUID(), sessionId: randomUUID(), ...who, message, ...fields };
    const log = 'stream' in fields ? logs.follow(request.requestId, who.userId) : undefined;
    await client.ask(request);
    return { ...request, log, answer: () => client.responseTo(request.requestId) };
  };
  const ask = async (who: Somebody, message: string, fields: object = {}) =>
    (await begin(who, message, fields)).answer();
  const newQuestion = () => `Is ${randomUUID()} healthy?`;

  /** What a user sees of an answer. Times are told apart by `modelMs` alone. */
  const shown = ({ requestId, sessionId, userId, timings, completedAt, answerKey, ...rest }: ChatResponse) => ({
    ...rest,
    keys: answerKey?.split(' ').length,
  });

  for (const [first, second] of SCOPES[scope].saves) {
    test(`${nameOf(first)} saves ${nameOf(second)} a call, who cannot tell`, async () => {
      await simulator.reset();
      await simulator.behave({ latencyMs: LATENCY_MS });
      const message = newQuestion();
      const given = await ask(first, message);
      await simulator.behave({});
      const other = await ask(second, message);
      expect((await simulator.stats()).started).toBe(1);
      expect(shown(other)).toEqual(shown(given));
      expect(other).toMatchObject({ cached: false, usage: given.usage, attempts: 1 });
      // The model would answer at once by now.
      expect(other.timings.modelMs).toBeGreaterThanOrEqual(given.timings.modelMs);
      expect(other.timings.totalMs).toBeGreaterThanOrEqual(given.timings.modelMs);

      // What they have asked themselves, they get again at once, and both see the same.
      const again = await Promise.all([ask(first, message), ask(second, message)]);
      for (const repeated of again) {
        expect(repeated).toMatchObject({ cached: true, timings: { modelMs: 0 }, usage: { totalTokens: 0, cost: 0 } });
      }
      expect(shown(again[0]!)).toEqual(shown(again[1]!));
      expect((await simulator.stats()).started).toBe(1);
    });
  }

  for (const [first, second] of SCOPES[scope].savesNot) {
    test(`${nameOf(first)} saves ${nameOf(second)} no call`, async () => {
      await simulator.reset();
      await simulator.behave({});
      const message = newQuestion();
      const [given, other] = [await ask(first, message), await ask(second, message)];
      expect((await simulator.stats()).started).toBe(2);
      expect([given.cached, other.cached]).toEqual([false, false]);
      for (const repeated of await Promise.all([ask(first, message), ask(second, message)])) {
        expect(repeated.cached).toBe(true);
      }
    });
  }

  test('an answer that is streamed comes to another user piece by piece, as it came to the first', async () => {
    await simulator.reset();
    await simulator.behave({});
    const message = `${newQuestion()} [[simulate tokens-per-second=20 tokens=30]]`;
    const streams = [];
    for (const who of [ann, bob]) {
      const { log, answer } = await begin(who, message, { stream: true });
      const response = await answer();
      streams.push({ response, events: await log!.ended, seen: await logs.expectExactly(log!.events, response) });
    }
    const [first, second] = streams as [(typeof streams)[0], (typeof streams)[0]];
    expect((await simulator.stats()).started).toBe(scope === 'user' ? 2 : 1);
    expect(second.seen).toEqual(first.seen);
    const deltas = ({ events }: typeof first) => events.filter(({ event }) => event.type === 'delta').length;
    // 30 pieces in one and a half seconds: an answer at once would have one.
    expect(deltas(second)).toBeGreaterThan(5);
    expect(second.response.cached).toBe(false);
    if (scope !== 'user') {
      expect(shown(second.response)).toEqual(shown(first.response));
      expect(second.response.timings.modelMs).toBeGreaterThanOrEqual(first.response.timings.modelMs);
    }
    // What came as a whole does not say how it would have come in pieces.
    await ask(ann, `${message}!`);
    expect((await ask(bob, `${message}!`, { stream: true })).cached).toBe(false);
    expect((await simulator.stats()).started).toBe(scope === 'user' ? 4 : 3);
  });

  test('nobody waits for what another user asks at the same time', async () => {
    await simulator.reset();
    // Long enough for three questions to be sent on a busy machine.
    await simulator.behave({ latencyMs: 5_000 });
    const message = newQuestion();
    const asked = [await begin(ann, message), await begin(bob, message), await begin(bob, message)];
    await until('both think', async () => (await simulator.stats()).inFlight === 2);
    const [one, ...others] = await Promise.all(asked.map(({ answer }) => answer()));
    expect(one!.cached).toBe(false);
    expect(others.map(({ cached }) => cached).sort()).toEqual([false, true]);
    expect((await simulator.stats()).started).toBe(2);
  });

  test('a user who cancels what a kept answer stands in for sees what a call that is cancelled shows', async () => {
    await simulator.reset();
    await simulator.behave({});
    const message = `${newQuestion()} [[simulate tokens-per-second=10 tokens=30]]`;
    await ask(ann, message, { stream: true });
    const { log, requestId, answer } = await begin(bob, message, { stream: true });
    await log!.saw('delta', 3);
    await cancel(requestId);
    const response = await answer();
    expect(response).toMatchObject({
      status: 'cancelled',
      cached: false,
      partialUsage: { completionTokens: expect.any(Number), estimated: true },
    });
    expect(response.response).not.toBe('');
  });

  test('the cache has answers as they are only where encryption is off', async () => {
    await simulator.behave({});
    const marker = randomUUID();
    expect((await ask(ann, `Is ${marker} healthy?`)).response).toContain(marker);
    const stored = await textOf(redis, '*ai:answer:*');
    expect(stored.includes(marker)).toBe(!('ENCRYPTION_KEYS' in encryption));
  });

  const cancel = (requestId: string) => cancelRequest({ index: 0, prefix: JOBS_PREFIX }, redis, requestId);
});
