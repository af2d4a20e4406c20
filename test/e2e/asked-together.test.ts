import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { NumberedEvent } from '../../src/contracts/answer-events.ts';
import { expectUnbroken, follow, roughlyOf } from '../adapters/answer-log/followed-log-contract.ts';
import { readEvents } from '../api/realtime/event-reader.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { privateRedis, testRabbitMqUrl } from '../services.ts';
import { startSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const simulator = await startSimulator();
afterAll(() => simulator.stop());

let redis: Awaited<ReturnType<typeof privateRedis>>;
let settings: Record<string, string>;
let apis: TestProcess[];
let workers: TestProcess[];
let user: TestUser;

beforeAll(async () => {
  redis = await privateRedis();
  settings = {
    REDIS_URL: redis.url,
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    RETRY_BASE: '100ms',
  };
  apis = await Promise.all([startApi(settings), startApi(settings)]);
  user = await signUp(apis[0]!.url);
});
afterAll(() => redis?.stop());

// A worker that streams one answer takes no other question. So each question below is another worker's.
beforeEach(async () => {
  await simulator.reset();
  workers = await Promise.all([1, 2].map(() => startWorker({ ...settings, WORKER_CONCURRENCY: '1' })));
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
});

/** What happens in the middle of an answer must find it unfinished, also on a busy machine. */
const LONG_ANSWER_SECONDS = 7;
const question = (seconds: number) =>
  `Healthy, ${randomUUID()}? [[simulate tokens-per-second=20 tokens=${20 * seconds}]]`;

const events = async (api: TestProcess, requestId: string, after = -1) => {
  const response = await fetch(`${api.url}/chat/requests/${requestId}/events?after=${after}`, {
    headers: { Authorization: `Bearer ${user.accessToken}` },
    signal: AbortSignal.timeout(90_000),
  });
  return readEvents(response);
};

async function ask(message: string, api = apis[0]!) {
  const { requestId, sessionId } = (await user.at(api.url).send({ message, stream: true })).body;
  const reading = follow(numbered(await events(api, requestId)));
  const sawText = (deltas = 5) =>
    until('some text', () => reading.events.filter(({ event }) => event.type === 'delta').length >= deltas, 60_000);
  return { requestId, sessionId, ...reading, sawText };
}
type Asked = Awaited<ReturnType<typeof ask>>;

async function* numbered(reader: AsyncIterable<NumberedEvent>) {
  for await (const { number, event } of reader) yield { number, event };
}

/** Waits for the end, and checks that readers have exactly the answer that the session shows. */
async function answerTo({ requestId, sessionId, ended }: Asked) {
  const seen = await ended;
  const text = expectUnbroken(seen);
  const turn = await until('the turn has ended', async () => {
    const { body } = await user.session(sessionId);
    return body.status === seen.at(-1)?.event.type ? body : undefined;
  });
  expect(text).toBe(turn.response ?? '');
  // Another api shows the same, also from the middle on.
  const again = follow(numbered(await events(apis[1]!, requestId)));
  expect(await again.ended).toEqual(seen);
  const middle = Math.floor(seen.length / 2);
  const rest = follow(numbered(await events(apis[1]!, requestId, middle)));
  expect(await rest.ended).toEqual(seen.slice(middle + 1));
  return { text, types: roughlyOf(seen), end: turn };
}

const ASKED = ['queued', 'started', 'started', 'delta', 'completed'];
const FOLLOWED = ['queued', 'started', 'started', 'started', 'delta', 'completed'];

test('two tabs that ask the same at once both see the one answer grow, also one that looks late', async () => {
  const message = question(LONG_ANSWER_SECONDS);
  const first = await ask(message);
  await first.sawText();
  const second = await ask(message, apis[1]);
  await second.sawText();
  expect(first.events.at(-1)?.event.type).toBe('delta');
  const late = follow(numbered(await events(apis[0]!, second.requestId)));
  const [one, other] = [await answerTo(first), await answerTo(second)];
  expect(other.text).toBe(one.text);
  expect(other.text).not.toBe('');
  expect([one.types, other.types]).toEqual([ASKED, FOLLOWED]);
  expect(await late.ended).toEqual(second.events);
  expect([first, second].map(({ events: seen }) => seen.at(-1)?.event)).toMatchObject([
    { cached: false },
    { cached: true },
  ]);
  const told = JSON.stringify(second.events);
  for (const secret of [first.requestId, first.sessionId, user.userId]) expect(told).not.toContain(secret);
  expect((await simulator.stats()).started).toBe(1);
});

test('a reader who is cut off again and again, and goes on at the other api, gets the very same events', async () => {
  const message = question(4);
  const first = await ask(message);
  await first.sawText();
  const second = await ask(message);
  const got: NumberedEvent[] = [];
  for (let n = 0; got.at(-1)?.event.type !== 'completed'; n++) {
    let left = 1 + Math.floor(Math.random() * 6);
    for await (const event of numbered(await events(apis[n % 2]!, second.requestId, got.at(-1)?.number))) {
      got.push(event);
      left -= 1;
      if (left === 0) break;
    }
  }
  await answerTo(second);
  expect(got).toEqual(second.events);
  await first.ended;
});

test('when the worker that asks is killed, both are told that the text begins again, and one more call is made', async () => {
  const message = question(LONG_ANSWER_SECONDS);
  const first = await ask(message);
  await first.sawText();
  const asking = await busyWorker();
  const second = await ask(message);
  await second.sawText();
  await asking.kill();
  const answers = await Promise.all([answerTo(first), answerTo(second)]);
  for (const { types, text } of answers) {
    expect(types.filter((type) => type === 'restarted')).toHaveLength(1);
    expect(text).toBe(answers[0]!.text);
  }
  expect((await simulator.stats()).started).toBe(2);
}, 180_000);

test('when the request that asks is stopped, the other is told that the text begins again, and a third goes on with that one', async () => {
  const message = question(LONG_ANSWER_SECONDS);
  const first = await ask(message);
  await first.sawText();
  const second = await ask(message);
  const third = await ask(message);
  await Promise.all([second.sawText(), third.sawText()]);
  await user.post(`/chat/requests/${first.requestId}/cancel`);
  const [stopped, ...others] = await Promise.all([first, second, third].map(answerTo));
  expect(stopped!.types).toEqual([...ASKED.slice(0, -1), 'cancelled']);
  expect(stopped!.text).not.toBe('');
  for (const { types, text, end } of others) {
    expect(types.filter((type) => type === 'restarted')).toHaveLength(1);
    expect(text).toBe(others[0]!.text);
    expect(end.status).toBe('completed');
  }
  expect((await simulator.stats()).started).toBe(2);
}, 180_000);

test('one that waits and is stopped keeps the text so far, and the one that asks gets the whole answer', async () => {
  const message = question(LONG_ANSWER_SECONDS);
  const first = await ask(message);
  await first.sawText();
  const second = await ask(message);
  await second.sawText();
  await user.post(`/chat/requests/${second.requestId}/cancel`);
  const stopped = await answerTo(second);
  expect(stopped.types).toEqual([...FOLLOWED.slice(0, -1), 'cancelled']);
  expect(stopped.text).not.toBe('');
  const whole = await answerTo(first);
  expect(whole.types).toEqual(ASKED);
  expect(whole.text.startsWith(stopped.text)).toBe(true);
  expect((await simulator.stats()).started).toBe(1);
});

test('when the session of the one that asks is erased, the other begins again with an answer of its own', async () => {
  const message = question(LONG_ANSWER_SECONDS);
  const first = await ask(message);
  await first.sawText();
  const second = await ask(message);
  await second.sawText();
  await user.delete(`/chat/session/${first.sessionId}`);
  const { types, end } = await answerTo(second);
  expect(types.filter((type) => type === 'restarted')).toHaveLength(1);
  expect(end.status).toBe('completed');
  expect((await simulator.stats()).started).toBe(2);
});

test('both streams go on after Redis was killed and started again', async () => {
  const message = question(LONG_ANSWER_SECONDS);
  const first = await ask(message);
  await first.sawText();
  const second = await ask(message);
  await second.sawText();
  await redis.kill();
  await redis.start();
  const [one, other] = await Promise.all([answerTo(first), answerTo(second)]);
  expect(other.text).toBe(one.text);
}, 180_000);

/** The worker that has a request in hand. */
const busyWorker = () =>
  until('a worker streams', async () => {
    for (const worker of workers) {
      const metrics = await (await fetch(worker.metricsUrl)).text();
      if (/^healify_requests_in_flight\S* [1-9]/m.test(metrics)) return worker;
    }
    return undefined;
  });
