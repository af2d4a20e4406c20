import { beforeAll, expect, test } from '@jest/globals';
import { createChatClient } from '../../src/client/chat-client.ts';
import type { NumberedEvent } from '../../src/contracts/answer-events.ts';
import { textOf } from '../adapters/answer-log/answer-log-contract.ts';
import { readEvents } from '../api/realtime/event-reader.ts';
import { openSocket } from '../api/realtime/socket/socket-client.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

let doomed: TestProcess;
let other: TestProcess;
let user: TestUser;
let env: Record<string, string>;
beforeAll(async () => {
  env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
  };
  const simulator = await startSimulatorProcess();
  [doomed, other] = await Promise.all([
    startApi(env),
    startApi(env),
    startWorker({ ...env, MODEL_TIMEOUT: '60s', MODEL_SIMULATOR_URL: simulator.url }),
  ]);
  user = await signUp(other.url);
});

const open = (url: string, path: string, init: RequestInit = {}) =>
  fetch(url + path, {
    ...init,
    headers: { Authorization: `Bearer ${user.accessToken}`, ...(init.headers as Record<string, string>) },
    signal: AbortSignal.timeout(60_000),
  });

/** Reads until the connection ends or breaks, or until `stop` says so, which then closes it. */
async function read(response: Response, stop: (events: NumberedEvent[]) => boolean = () => false) {
  const events: NumberedEvent[] = [];
  try {
    for await (const { number, event } of readEvents(response)) {
      events.push({ number, event });
      if (stop(events)) break;
    }
  } catch (error) {
    // A connection that breaks off.
    if ((error as Error).name !== 'TypeError') throw error;
  }
  return events;
}

test('a reader whose api is killed in mid-stream gets the very rest at another one; a closed connection stops nothing', async () => {
  const asked = await open(doomed.url, '/chat/send', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify({ message: 'Long? [[simulate tokens-per-second=50 tokens=300]]' }),
  });
  const path = asked.headers.get('content-location')!;
  await read(await open(other.url, path), (events) => events.at(-1)?.event.type === 'delta');

  const first: NumberedEvent[] = [];
  const reading = read(asked, (events) => {
    first.splice(0, first.length, ...events);
    return false;
  });
  await until('some text', () => first.filter(({ event }) => event.type === 'delta').length > 10);
  await doomed.kill();
  const before = await reading;
  expect(before.map(({ event }) => event.type)).not.toContain('completed');

  const lastId = String(before.at(-1)!.number);
  const rest = await read(await open(other.url, path, { headers: { 'Last-Event-ID': lastId } }));
  const whole = await read(await open(other.url, path));
  expect([...before, ...rest]).toEqual(whole);
  expect(whole.map(({ number }) => number)).toEqual(whole.map((_, index) => index));
  expect(whole.at(-1)?.event.type).toBe('completed');
  const sessionId = asked.headers.get('location')!.split('/').at(-1)!;
  await until('the turn has ended', async () => (await user.session(sessionId)).body.status === 'completed');
  expect(textOf(whole)).toBe((await user.session(sessionId)).body.response);
});

/** 6 s of text. */
const SLOWLY = '[[simulate tokens-per-second=50 tokens=300]]';

test('a WebSocket whose api is killed in mid-stream is resumed at another one, to the byte', async () => {
  const api = await startApi(env);
  const first = await openSocket(api.url);
  await first.authenticate(user.accessToken);
  first.send({ type: 'ask', id: 'q', question: { message: `Over a WebSocket? ${SLOWLY}` } });
  const { requestId, sessionId } = await first.saw('accepted', 'q');
  await until('some text', () => first.eventsOf('q').filter(({ event }) => event.type === 'delta').length > 10);
  await api.kill();
  expect((await first.closed).code).toBe(1006);
  const before = first.eventsOf('q');
  expect(before.map(({ event }) => event.type)).not.toContain('completed');

  const second = await openSocket(other.url);
  await second.authenticate(user.accessToken);
  second.send({ type: 'subscribe', id: 'rest', requestId, after: before.at(-1)!.number! });
  second.send({ type: 'subscribe', id: 'whole', requestId });
  for (const id of ['rest', 'whole']) {
    await until(
      `the end of ${id}`,
      () => second.messages.some((each) => each.type === 'ended' && each.id === id),
      60_000,
    );
  }
  const plain = (id: string, socket = second) =>
    socket.eventsOf(id).map(({ number, event }): NumberedEvent => ({ number: number!, event }));
  expect([...plain('q', first), ...plain('rest')]).toEqual(plain('whole'));
  expect(plain('whole').map(({ number }) => number)).toEqual(plain('whole').map((_, index) => index));
  await until('the turn has ended', async () => (await user.session(sessionId)).body.status === 'completed');
  expect(textOf(plain('whole'))).toBe((await user.session(sessionId)).body.response);
  second.close();
});

test('the client over a WebSocket goes on by itself when its api is killed and comes back, with several answers at once', async () => {
  const api = await startApi(env);
  const client = createChatClient({ baseUrl: api.url, token: user.accessToken, transport: 'websocket' });
  const questions = await Promise.all(
    [1, 2, 3].map((n) => client.send({ message: `Through a death, ${n}? ${SLOWLY}`, stream: true })),
  );
  const seen: NumberedEvent[][] = questions.map(() => []);
  let lost = 0;
  const reading = questions.map(async ({ requestId }, n) => {
    const onConnection = ({ state }: { state: string }) => {
      if (state === 'waiting') lost += 1;
    };
    for await (const event of client.events(requestId, { onConnection })) seen[n]!.push(event);
  });
  for (const each of reading) each.catch(() => {});
  await until('some text of each', () => seen.every((events) => events.length > 10));
  await api.kill();
  await until('the loss is seen', () => lost >= 3);
  await startApi({ ...env, API_PORT: new URL(api.url).port });
  await Promise.all(reading);
  for (const [n, { sessionId }] of questions.entries()) {
    const events = seen[n]!;
    expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => index));
    await until('the turn has ended', async () => (await user.session(sessionId)).body.status === 'completed');
    expect(textOf(events)).toBe((await user.session(sessionId)).body.response);
  }
});
