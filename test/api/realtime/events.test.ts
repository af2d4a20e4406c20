import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AnswerLogWriter } from '../../../src/adapters/answer-log/answer-log.ts';
import { createRedisLogWriter } from '../../../src/adapters/answer-log/redis-log-writer.ts';
import { answerEvent } from '../../../src/contracts/answer-events.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { COMPLETED } from '../../adapters/answer-log/answer-log-contract.ts';
import { postJson, register, signUp, type TestUser } from '../../api-client.ts';
import { startApi, type TestProcess } from '../../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { type StandInWorker, startStandInWorker } from '../../stand-in-worker.ts';
import { until } from '../../until.ts';

let api: TestProcess;
let replica: TestProcess;
let worker: StandInWorker;
let redis: Redis;
let logs: AnswerLogWriter;
let ann: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
  };
  [api, replica] = await Promise.all([startApi(env), startApi(env)]);
  redis = new Redis(env.REDIS_URL);
  logs = createRedisLogWriter({ redis, seals: plainTexts, ttlMs: 3_600_000 });
  worker = await startStandInWorker(env.RABBITMQ_URL);
  [ann, bob] = [await signUp(api.url), await signUp(api.url)];
});
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});
afterAll(async () => {
  redis.disconnect();
  await worker.stop();
});

const asked = async (question: object = { message: 'How?' }) => {
  const { body } = await ann.send(question);
  const { request } = await worker.delivery(body.requestId);
  return request;
};
const open = (path: string, url = api.url, token: string | undefined = ann.accessToken) =>
  fetch(url + path, {
    headers: token ? { Authorization: `Bearer ${token}` } : {},
    signal: AbortSignal.timeout(20_000),
  });
/** Asks for the stream as the reply. */
const ask = (question: object, headers: Record<string, string> = {}, url = api.url) =>
  fetch(`${url}/chat/send`, {
    method: 'POST',
    headers: {
      ...{
        Authorization: `Bearer ${ann.accessToken}`,
        'Content-Type': 'application/json',
        Accept: 'text/event-stream',
      },
      ...headers,
    },
    body: JSON.stringify(question),
    signal: AbortSignal.timeout(20_000),
  });
/** The events of answers in the text of a whole stream. Each is checked against its schema. */
const eventsIn = (text: string) =>
  [...text.matchAll(/^event: (?!accepted)(\w+)\ndata: (.*)\n\n/gm)].map(([, type, data]) => {
    const event = answerEvent.parse(JSON.parse(data!));
    expect(event.type).toBe(type);
    return event;
  });
const metricsOf = async (process: TestProcess) => (await fetch(process.metricsUrl)).text();
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
    expect(reader.headers.get('cache-control')).toBe('no-store, no-transform');
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

test('who has the end already is told that nothing is left, and in a session gets the newest question', async () => {
  const request = await asked({ message: 'How?', stream: true });
  const { requestId, sessionId, userId } = request;
  const path = `/chat/requests/${requestId}/events`;
  const reader = await open(path);
  await logs
    .open({ requestId, userId: 'ann', epoch: 1, attempt: 1, deadlineAt: Date.now() + 60_000 })
    .end(COMPLETED, 'Eat.');
  await worker.answer({ requestId, sessionId, userId }, { response: 'Eat.' });
  expect(eventsIn(await reader.text())).toMatchObject([{ type: 'queued' }, { type: 'completed', rest: 'Eat.' }]);
  await until('the turn has ended', async () => (await ann.session(sessionId)).body.status === 'completed');
  const inSession = `/chat/session/${sessionId}/events?after=${requestId}:`;
  for (const left of [`${path}?after=1`, `${inSession}1`]) {
    const nothing = await open(left, replica.url);
    expect([nothing.status, await nothing.text()]).toEqual([204, '']);
  }
  const newer = await asked({ message: 'And then?', sessionId });
  await worker.answer(newer, { response: 'Drink.' });
  expect(eventsIn(await (await open(`${inSession}1`)).text())).toMatchObject([{ type: 'completed', rest: 'Drink.' }]);
  const rest = eventsIn(await (await open(`${inSession}0`, replica.url)).text());
  expect(rest).toMatchObject([{ type: 'completed', rest: 'Eat.' }]);
});

test('a position that is none is refused, with the field that is wrong', async () => {
  const { requestId, sessionId } = await asked();
  const paths = [
    ...['x', '1.5', '-2', '1e3', '9'.repeat(16), '1&after=2'].map(
      (after) => `/chat/requests/${requestId}/events?after=${after}`,
    ),
    ...['3', ':3', 'a:b', `${'x'.repeat(200)}:1`].map((after) => `/chat/session/${sessionId}/events?after=${after}`),
  ];
  for (const path of paths) {
    const refused = await open(path);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: 'validation_failed', errors: [{ path: 'after' }] });
  }
});

test('a wrong position is refused also where another one counts', async () => {
  const { requestId } = await asked();
  const refused = await fetch(`${api.url}/chat/requests/${requestId}/events?after=x`, {
    headers: { Authorization: `Bearer ${ann.accessToken}`, 'Last-Event-ID': '0' },
  });
  expect(await refused.json()).toMatchObject({ status: 400, errors: [{ path: 'after' }] });
});

test('a reader that has more than the log is told to begin again', async () => {
  const { requestId } = await asked({ message: 'How?', stream: true });
  const text = await (await open(`/chat/requests/${requestId}/events?after=99`)).text();
  expect(text).toMatch(/\n\nid: \nevent: cut_off\ndata: {"type":"cut_off","reason":"log_lost"}\n\n$/);
  const metrics = await metricsOf(api);
  expect(metrics).toMatch(/healify_event_streams_cut_off_total{.*reason="log_lost".*} 1/);
  expect(metrics).toMatch(/healify_event_streams_resumed_total{.*} [1-9]/);
});

test('a reader that does not read is told that it is too slow, and gets exactly the rest when it comes back', async () => {
  const { requestId } = await asked({ message: 'How?', stream: true });
  const path = `/chat/requests/${requestId}/events`;
  const reader = connect(Number(new URL(api.url).port), '127.0.0.1');
  closing.push(() => reader.destroy());
  reader.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ann.accessToken}\r\n\r\n`);
  let text = '';
  const read = (data: Buffer) => {
    text += data.toString('latin1');
  };
  reader.on('data', read);
  await until('the stream has begun', () => text.includes('id: 0\n'));
  reader.pause();
  const cutOffs = async () =>
    Number(/^healify_event_streams_cut_off_total{.*reason="too_slow".*} (\d+)/m.exec(await metricsOf(api))?.[1] ?? 0);
  expect(await cutOffs()).toBe(0);
  let epoch = 1;
  // The system keeps some megabytes for a reader that does not read.
  await until('nothing more is kept for the reader', async () => {
    const log = logs.open({ requestId, userId: 'ann', epoch: epoch++, attempt: 1, deadlineAt: Date.now() + 60_000 });
    log.begun({ provider: 'p', model: 'm' });
    log.text('x'.repeat(400_000));
    await log.close();
    const [open] = [/^healify_event_streams_open{.*kind="sse".*} (\d+)/m.exec(await metricsOf(api))];
    expect(open?.[1]).toBe('1');
    return epoch > 30;
  });
  reader.resume();
  await until('the reader is told', () =>
    text.includes('event: cut_off\ndata: {"type":"cut_off","reason":"too_slow"}'),
  );
  expect(await cutOffs()).toBe(1);
  await logs
    .open({ requestId, userId: 'ann', epoch, attempt: 1, deadlineAt: Date.now() + 60_000 })
    .end(COMPLETED, 'Eat.');
  const last = [...text.matchAll(/^id: (\d+)$/gm)].at(-1)![1]!;
  const rest = await (await open(`${path}?after=${last}`)).text();
  expect(Number(/^id: (\d+)$/m.exec(rest)![1])).toBe(Number(last) + 1);
  expect(eventsIn(rest).at(-1)).toMatchObject({ type: 'completed', rest: 'Eat.' });
});

test('HEAD on a stream is answered at once, as GET begins', async () => {
  const { requestId, sessionId } = await asked();
  const head = (path: string) =>
    fetch(api.url + path, { method: 'HEAD', headers: { Authorization: `Bearer ${ann.accessToken}` } });
  for (const path of [`/chat/requests/${requestId}/events`, `/chat/session/${sessionId}/events`]) {
    const reply = await head(path);
    expect([reply.status, await reply.text()]).toEqual([200, '']);
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  }
  for (const path of [`/chat/requests/${randomUUID()}/events`, `/chat/session/${randomUUID()}/events`]) {
    expect((await head(path)).status).toBe(404);
  }
});

test('a question can be asked with its answer’s stream as the reply, also again with its key', async () => {
  const key = randomUUID();
  const replies = [await ask({ message: 'How?' }, { 'Idempotency-Key': key })];
  const requestIdAsked = replies[0]!.headers.get('content-location')!.split('/')[3]!;
  const { requestId, sessionId, userId } = (await worker.delivery(requestIdAsked)).request;
  replies.push(await ask({ message: 'How?' }, { 'Idempotency-Key': key }, replica.url));
  const log = logs.open({ requestId, userId: 'ann', epoch: 1, attempt: 1, deadlineAt: Date.now() + 60_000 });
  log.begun({ provider: 'p', model: 'm' });
  log.text('Eat.');
  await log.end(COMPLETED, 'Eat.');
  await worker.answer({ requestId, sessionId, userId }, { response: 'Eat.' });
  for (const reply of replies) {
    expect(reply.status).toBe(200);
    expect(reply.headers.get('location')).toBe(`/chat/session/${sessionId}`);
    expect(reply.headers.get('content-location')).toBe(`/chat/requests/${requestId}/events`);
    const text = await reply.text();
    expect(text).toMatch(/^: open\n\nevent: accepted\n/);
    expect(JSON.parse(/event: accepted\ndata: (.*)/.exec(text)![1]!)).toMatchObject({
      requestId,
      sessionId,
      status: 'queued',
    });
    expect(eventsIn(text)).toMatchObject([
      { type: 'queued' },
      { type: 'started' },
      { type: 'delta' },
      { type: 'completed' },
    ]);
  }
});

test('a question that is refused has a problem as its reply, not a stream', async () => {
  const refused = await ask({ message: '' });
  expect(refused.status).toBe(400);
  expect(refused.headers.get('content-type')).toContain('application/problem+json');
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

test('a stream ends when its login does, at every api; those of another login of this user go on', async () => {
  const credentials = await register(api.url);
  const [ends, stays] = await Promise.all(
    [1, 2].map(async () => {
      const { body } = await postJson(`${api.url}/auth/login`, credentials);
      return body as unknown as { accessToken: string; refreshToken: string };
    }),
  );
  const authorized = { Authorization: `Bearer ${ends!.accessToken}` };
  const asking = await ask({ message: 'How?' }, authorized);
  const path = asking.headers.get('content-location')!;
  const { ticket } = (await postJson(`${api.url}/chat/tickets`, {}, authorized)).body as unknown as { ticket: string };
  const readers = [
    asking,
    await open(path, replica.url, ends!.accessToken),
    await open(`${path}?ticket=${ticket}`, api.url, ''),
  ];
  const other = await open(path, replica.url, stays!.accessToken);
  await postJson(`${api.url}/auth/logout`, { refreshToken: ends!.refreshToken });
  for (const reader of readers) expect(await reader.text()).not.toMatch(/event: (completed|failed|cancelled)/);
  expect((await open(path, api.url, ends!.accessToken)).status).toBe(401);
  const requestId = path.split('/').at(-2)!;
  await worker.answer((await worker.delivery(requestId)).request, { response: 'At last.' });
  expect(eventsIn(await other.text()).at(-1)).toMatchObject({ type: 'completed', rest: 'At last.' });
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
