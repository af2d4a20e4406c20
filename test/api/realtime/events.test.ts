import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { answerEvent } from '../../../src/contracts/answer-events.ts';
import { signUp, type TestUser } from '../../api-client.ts';
import { startApi, type TestProcess } from '../../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { type StandInWorker, startStandInWorker } from '../../stand-in-worker.ts';
import { until } from '../../until.ts';

let api: TestProcess;
let replica: TestProcess;
let worker: StandInWorker;
let ann: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
  };
  [api, replica] = await Promise.all([startApi(env), startApi(env)]);
  worker = await startStandInWorker(env.RABBITMQ_URL);
  [ann, bob] = [await signUp(api.url), await signUp(api.url)];
});
afterAll(() => worker.stop());

const asked = async (message = 'How?') => {
  const { body } = await ann.send({ message });
  const { request } = await worker.delivery(body.requestId);
  return request;
};
const open = (path: string, url = api.url, token: string | undefined = ann.accessToken) =>
  fetch(url + path, {
    headers: token ? { Authorization: `Bearer ${token}` } : {},
    signal: AbortSignal.timeout(20_000),
  });
/** The events in the text of a whole stream. Each is checked against its schema. */
const eventsIn = (text: string) =>
  [...text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)].map(([, type, data]) => {
    const event = answerEvent.parse(JSON.parse(data!));
    expect(event.type).toBe(type);
    return event;
  });
const ticketOf = async (user: TestUser) => {
  const { status, body } = await user.post('/chat/tickets');
  expect(status).toBe(201);
  return (body as unknown as { ticket: string }).ticket;
};

test('a reader is told the answer as soon as it is there, whichever api wrote it down, and nothing is buffered', async () => {
  const request = await asked();
  const readers = await Promise.all([
    open(`/chat/requests/${request.requestId}/events`),
    open(`/chat/session/${request.sessionId}/events`, replica.url),
  ]);
  for (const reader of readers) {
    expect(reader.status).toBe(200);
    expect(reader.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(reader.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(reader.headers.get('x-accel-buffering')).toBe('no');
  }
  await worker.answer(request, { response: 'Line one.\r\nevent: failed\n\ndata: x' });
  for (const reader of readers) {
    expect(eventsIn(await reader.text())).toMatchObject([
      { type: 'completed', rest: 'Line one.\r\nevent: failed\n\ndata: x', offset: 0 },
    ]);
  }
});

test('who comes after the end is told the end at once, whatever it was', async () => {
  const [failed, cancelled] = [await asked(), await asked()];
  const error = { code: 'model_unavailable' as const, message: 'Not available.', retryable: true };
  await worker.answer(failed, { status: 'failed', response: null, model: null, provider: null, usage: null, error });
  await ann.post(`/chat/requests/${cancelled.requestId}/cancel`);
  await until('the failure', async () => (await ann.session(failed.sessionId)).body.turns[0]!.status === 'failed');
  const read = async (requestId: string) =>
    eventsIn(await (await open(`/chat/requests/${requestId}/events`, replica.url)).text());
  expect(await read(failed.requestId)).toMatchObject([{ type: 'failed', error }]);
  expect(await read(cancelled.requestId)).toMatchObject([{ type: 'cancelled', finishReason: 'cancelled' }]);
});

test('a browser reads with a ticket, which counts once, at any api, and is in no log', async () => {
  const { requestId } = await asked();
  await ann.post(`/chat/requests/${requestId}/cancel`);
  const ticket = await ticketOf(ann);
  const path = `/chat/requests/${requestId}/events?ticket=${ticket}`;
  expect(eventsIn(await (await open(path, replica.url, '')).text())).toHaveLength(1);
  const again = await open(path, replica.url, '');
  expect(again.status).toBe(401);
  expect(await again.text()).not.toContain(ticket);
  for (const odd of ['', 'x', 'x'.repeat(43), '%00'])
    expect((await open(`/chat/requests/${requestId}/events?ticket=${odd}`, api.url, '')).status).toBe(401);
  expect((await open(`/chat/requests/${requestId}/events?ticket=a&ticket=b`, api.url, '')).status).toBe(401);
  for (const process of [api, replica]) expect(process.output()).not.toContain(ticket);
});

test('another user’s question is not found, with a token or with a ticket', async () => {
  const { requestId, sessionId } = await asked();
  for (const path of [`/chat/requests/${requestId}/events`, `/chat/session/${sessionId}/events`]) {
    expect((await open(path, api.url, bob.accessToken)).status).toBe(404);
    expect((await open(`${path}?ticket=${await ticketOf(bob)}`, api.url, '')).status).toBe(404);
    expect((await open(path, api.url, '')).status).toBe(401);
  }
});

test('an erased session ends the streams of its questions', async () => {
  const { requestId, sessionId } = await asked();
  const reader = await open(`/chat/requests/${requestId}/events`);
  await ann.delete(`/chat/session/${sessionId}`);
  expect(eventsIn(await reader.text())).toEqual([]);
});

test('a reader of an api that stops, or dies, is told the end by another one', async () => {
  const request = await asked();
  const path = `/chat/requests/${request.requestId}/events`;
  const reader = await open(path, replica.url);
  const stopped = replica.stop();
  expect(await reader.text()).toMatch(/\n\nretry: \d{3,4}\n\n$/);
  await stopped;
  const next = await open(path);
  await worker.answer(request, { response: 'At last.' });
  expect(eventsIn(await next.text())).toMatchObject([{ type: 'completed', rest: 'At last.' }]);
});
