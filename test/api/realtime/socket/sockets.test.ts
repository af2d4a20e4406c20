import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AnswerLogWriter } from '../../../../src/adapters/answer-log/answer-log.ts';
import { createRedisLogWriter } from '../../../../src/adapters/answer-log/redis-log-writer.ts';
import { createAccessTokens } from '../../../../src/api/auth/access-tokens.ts';
import { limits } from '../../../../src/contracts/limits.ts';
import { plainTexts } from '../../../../src/contracts/sealing.ts';
import { COMPLETED } from '../../../adapters/answer-log/answer-log-contract.ts';
import { postJson, register, signUp, type TestUser } from '../../../api-client.ts';
import { startApi, type TestProcess } from '../../../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../../services.ts';
import { type StandInWorker, startStandInWorker } from '../../../stand-in-worker.ts';
import { until } from '../../../until.ts';
import { openSocket, type TestSocket } from './socket-client.ts';

const SECRET = 'a secret of at least thirty-two bytes';
const SITE = 'https://app.example.com';

let api: TestProcess;
let replica: TestProcess;
let worker: StandInWorker;
let redis: Redis;
let logs: AnswerLogWriter;
let ann: TestUser;
let bob: TestUser;
let env: Record<string, string>;
const opened: TestSocket[] = [];

beforeAll(async () => {
  env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: SECRET,
    JWT_CLOCK_TOLERANCE: '0s',
    CORS_ORIGINS: SITE,
  };
  [api, replica] = await Promise.all([startApi(env), startApi(env)]);
  redis = new Redis(env.REDIS_URL!);
  logs = createRedisLogWriter({ redis, seals: plainTexts, ttlMs: 3_600_000 });
  worker = await startStandInWorker(env.RABBITMQ_URL!);
  [ann, bob] = [await signUp(api.url), await signUp(api.url)];
});
afterEach(() => {
  for (const socket of opened.splice(0)) socket.socket.terminate();
});
afterAll(async () => {
  redis.disconnect();
  await worker.stop();
});

async function open(url = api.url, headers: Record<string, string> = {}) {
  const socket = await openSocket(url, headers);
  opened.push(socket);
  return socket;
}
async function connect(user = ann, url = api.url) {
  const socket = await open(url);
  await socket.authenticate(user.accessToken);
  return socket;
}
const tokens = createAccessTokens({ secret: SECRET, issuer: 'healify-chat', audience: 'healify-chat', ttlMs: 60_000 });
/** A token that expires so many seconds from now. */
const tokenFor = (userId: string, seconds: number) =>
  tokens.sign({ userId, role: 'user' }, randomUUID(), { issuedAt: Math.floor(Date.now() / 1000) - 60 + seconds });
const ticketOf = async (user: TestUser) =>
  ((await user.post('/chat/tickets')).body as unknown as { ticket: string }).ticket;
const attempt = (requestId: string) =>
  logs.open({ requestId, userId: 'ann', epoch: 1, attempt: 1, deadlineAt: Date.now() + 60_000 });
const asked = async (question: object) => {
  const { body } = await ann.send(question);
  return (await worker.delivery(body.requestId)).request;
};
const metric = async (pattern: RegExp, process = api) =>
  Number(pattern.exec(await (await fetch(process.metricsUrl)).text())?.[1] ?? Number.NaN);

test('a question is asked, its answer comes while it is written, and it ends', async () => {
  const socket = await connect();
  socket.send({ type: 'ask', id: 'q', question: { message: 'How?' } });
  const { requestId, sessionId, status } = await socket.saw('accepted', 'q');
  expect(status).toBe('queued');
  const { request } = await worker.delivery(requestId);
  expect(request).toMatchObject({ message: 'How?', sessionId, userId: ann.userId, stream: true });
  const log = attempt(requestId);
  log.begun({ provider: 'p', model: 'm' });
  log.text('Eat');
  await until('the text', () => socket.eventsOf('q').some(({ event }) => event.type === 'delta'));
  expect(await metric(/^healify_event_streams_open{.*kind="ws".*} (\d+)/m)).toBe(1);
  await log.end(COMPLETED, 'Eat.');
  expect(await socket.saw('ended', 'q')).toMatchObject({ complete: true });
  expect(socket.eventsOf('q').map(({ event }) => event.type)).toEqual(['queued', 'started', 'delta', 'completed']);
  expect(socket.eventsOf('q').map(({ number }) => number)).toEqual([0, 1, 2, 3]);
  await until(
    'the place is free',
    async () => (await metric(/^healify_event_streams_open{.*kind="ws".*} (\d+)/m)) === 0,
  );
});

test('one connection carries many questions and conversations, and each has its events only', async () => {
  const socket = await connect();
  const requests = await Promise.all([1, 2, 3].map((n) => asked({ message: `How ${n}?`, stream: true })));
  for (const [n, { requestId, sessionId }] of requests.entries()) {
    socket.send({ type: 'subscribe', id: `r${n}`, requestId: requestId.toUpperCase() });
    socket.send({ type: 'subscribe', id: `s${n}`, sessionId });
  }
  for (const { requestId } of requests) await attempt(requestId).end(COMPLETED, requestId);
  for (const [n, { requestId }] of requests.entries()) {
    for (const id of [`r${n}`, `s${n}`]) {
      await socket.saw('ended', id);
      expect(socket.eventsOf(id).map((each) => each.requestId)).toEqual([requestId, requestId]);
      expect(socket.eventsOf(id).at(-1)).toMatchObject({ number: 1, event: { type: 'completed', rest: requestId } });
    }
  }
});

test('a subscription resumes after a number at any api; who has the end is told so', async () => {
  const { requestId, sessionId, userId } = await asked({ message: 'How?', stream: true });
  await attempt(requestId).end(COMPLETED, 'Eat.');
  await worker.answer({ requestId, sessionId, userId }, { response: 'Eat.' });
  await until('the turn has ended', async () => (await ann.session(sessionId)).body.status === 'completed');
  const socket = await connect(ann, replica.url);
  socket.send({ type: 'subscribe', id: 'rest', requestId, after: 0 });
  socket.send({ type: 'subscribe', id: 'in session', sessionId, requestId, after: 0 });
  for (const id of ['rest', 'in session']) {
    expect(await socket.saw('ended', id)).toMatchObject({ complete: true });
    expect(socket.eventsOf(id)).toMatchObject([{ number: 1, event: { type: 'completed' } }]);
  }
  socket.send({ type: 'subscribe', id: 'nothing', requestId, after: 1 });
  expect(await socket.saw('ended', 'nothing')).toMatchObject({ complete: true });
  socket.send({ type: 'subscribe', id: 'too far', requestId, after: 99 });
  expect(await socket.saw('cut_off', 'too far')).toMatchObject({ reason: 'log_lost' });
  expect([...socket.eventsOf('nothing'), ...socket.eventsOf('too far')]).toEqual([]);
});

test('an answer without a log comes as its end, without a number', async () => {
  const request = await asked({ message: 'How?' });
  const socket = await connect();
  socket.send({ type: 'subscribe', id: 's', requestId: request.requestId });
  await worker.answer(request, { response: 'Eat.' });
  await socket.saw('ended', 's');
  expect(socket.eventsOf('s')).toMatchObject([{ number: null, event: { type: 'completed', rest: 'Eat.', offset: 0 } }]);
});

test('unsubscribing ends the subscription and nothing else; its id can be used again', async () => {
  const { requestId } = await asked({ message: 'How?', stream: true });
  const socket = await connect();
  socket.send({ type: 'subscribe', id: 's', requestId });
  await until('an event', () => socket.eventsOf('s').length > 0);
  socket.send({ type: 'subscribe', id: 's', requestId });
  expect((await socket.saw('problem', 's')).problem).toMatchObject({
    code: 'validation_failed',
    errors: [{ path: 'id', message: '`id` belongs to a subscription' }],
  });
  socket.send({ type: 'unsubscribe', id: 's' });
  expect(await socket.saw('ended', 's')).toMatchObject({ complete: false });
  const seen = socket.messages.length;
  socket.send({ type: 'subscribe', id: 's', requestId, after: 0 });
  await attempt(requestId).end(COMPLETED, 'Eat.');
  await until('the end', () => socket.messages.slice(seen).some((message) => message.type === 'ended'));
  expect(socket.messages.slice(seen)).toMatchObject([{ number: 1, event: { type: 'completed' } }, { complete: true }]);
});

test('a question is stopped with its text so far', async () => {
  const socket = await connect();
  socket.send({ type: 'ask', id: 'q', question: { message: 'How?' } });
  const { requestId } = await socket.saw('accepted', 'q');
  const log = attempt(requestId);
  log.begun({ provider: 'p', model: 'm' });
  log.text('Eat');
  await log.close();
  socket.send({ type: 'stop', id: 'stop', requestId });
  expect((await socket.saw('stopped', 'stop')).turn).toMatchObject({ requestId, status: 'cancelled', response: 'Eat' });
  expect(await socket.saw('ended', 'q')).toMatchObject({ complete: true });
  expect(socket.eventsOf('q').at(-1)?.event.type).toBe('cancelled');
});

test('a question with a key is asked once, over WebSockets and HTTP together', async () => {
  const idempotencyKey = randomUUID();
  const question = { message: 'How?' };
  const sockets = await Promise.all([connect(), connect(ann, replica.url)]);
  for (const socket of sockets) socket.send({ type: 'ask', id: 'q', question, idempotencyKey });
  const ids = await Promise.all(sockets.map(async (socket) => (await socket.saw('accepted', 'q')).requestId));
  const http = await ann.send(question, { 'Idempotency-Key': idempotencyKey });
  expect(new Set([...ids, http.body.requestId]).size).toBe(1);
  sockets[0]!.send({ type: 'ask', id: 'other', question: { message: 'Another?' }, idempotencyKey });
  expect((await sockets[0]!.saw('problem', 'other')).problem.code).toBe('idempotency_key_reused');
});

test('a question whose connection breaks off at once keeps no place for its answer', async () => {
  for (let n = 0; n < 10; n++) {
    const socket = await connect();
    socket.send({ type: 'ask', id: 'q', question: { message: 'How?' }, idempotencyKey: `broken ${n}` });
    socket.socket.terminate();
    // It was asked, or is now. It has no answer yet.
    const { body } = await ann.send({ message: 'How?' }, { 'Idempotency-Key': `broken ${n}` });
    await worker.delivery(body.requestId);
  }
  await until(
    'every place is free',
    async () => (await metric(/^healify_event_streams_open{.*kind="ws".*} (\d+)/m)) === 0,
  );
});

test('what is refused over HTTP is refused here, with the same code, and the connection goes on', async () => {
  const socket = await connect();
  const others = await asked({ message: 'How?' });
  const refused: [object, string][] = [
    [{ type: 'ask', question: { message: '' } }, 'validation_failed'],
    [{ type: 'ask', question: { message: 'x', model: 'unheard of' } }, 'validation_failed'],
    [{ type: 'ask', question: { message: 'x', sessionId: randomUUID() } }, 'session_not_found'],
    [{ type: 'ask', question: { message: 'x' }, idempotencyKey: 'ö' }, 'validation_failed'],
    [{ type: 'subscribe', requestId: randomUUID() }, 'not_found'],
    [{ type: 'subscribe', sessionId: randomUUID() }, 'not_found'],
    [{ type: 'subscribe' }, 'validation_failed'],
    [{ type: 'subscribe', sessionId: others.sessionId, after: 3 }, 'validation_failed'],
    [{ type: 'subscribe', requestId: others.requestId, after: 1.5 }, 'validation_failed'],
    [{ type: 'stop', requestId: randomUUID() }, 'not_found'],
    [{ type: 'dance' }, 'validation_failed'],
  ];
  for (const [n, [message, code]] of refused.entries()) {
    socket.send({ ...message, id: `m${n}` } as never);
    expect({ message, code: (await socket.saw('problem', `m${n}`)).problem.code }).toEqual({ message, code });
  }
  const stranger = await connect(bob);
  for (const type of ['subscribe', 'stop'] as const) {
    stranger.send({ type, id: type, requestId: others.requestId });
    expect((await stranger.saw('problem', type)).problem.code).toBe('not_found');
  }
  for (const text of ['', 'no JSON', '[]', 'null', '"x"', '{"type":"ping","id":7}', '{"id":{}}']) {
    const before = socket.messages.length;
    socket.socket.send(text);
    await until(`a problem for ${text}`, () => socket.messages.length > before);
    expect(socket.messages.at(-1)).toMatchObject({ type: 'problem', id: null });
  }
  socket.send({ type: 'ping', id: 'still here' });
  await socket.saw('pong', 'still here');
});

test('questions over WebSockets count towards the same limit as those over HTTP', async () => {
  const limited = await startApi({ ...env, RATE_SEND_PER_MINUTE: '2' });
  const user = await signUp(limited.url);
  expect((await user.send({ message: 'One?' })).status).toBe(202);
  const socket = await connect(user, limited.url);
  for (const id of ['two', 'three']) socket.send({ type: 'ask', id, question: { message: 'How?' } });
  await socket.saw('accepted');
  const refusal = await socket.saw('problem');
  expect(refusal.problem.code).toBe('rate_limited');
  expect(refusal.retryAfterMs).toBeGreaterThan(0);
  await limited.kill();
});

test('the first message must say who it is, with a token or a ticket that counts once', async () => {
  const ticket = await ticketOf(ann);
  const withTicket = await open();
  withTicket.send({ type: 'authenticate', id: 'a', ticket });
  // Messages may follow at once.
  withTicket.send({ type: 'ping', id: 'p' });
  expect(await withTicket.saw('authenticated', 'a')).toMatchObject({ userId: ann.userId });
  await withTicket.saw('pong', 'p');
  const first = [
    { type: 'authenticate', ticket },
    { type: 'authenticate', token: 'a.b.c' },
    { type: 'authenticate', token: await tokenFor(ann.userId, -5) },
    { type: 'authenticate', token: ann.accessToken, ticket: await ticketOf(ann) },
    { type: 'authenticate' },
    { type: 'ping' },
    { type: 'subscribe', id: 's', requestId: randomUUID() },
  ] as const;
  for (const message of first) {
    const socket = await open();
    socket.send(message);
    socket.send({ type: 'ping', id: 'after' });
    expect(await socket.closed).toEqual({ code: 4001, reason: 'unauthenticated' });
    expect(socket.messages.map(({ type }) => type)).toEqual(['problem']);
  }
  for (const process of [api, replica]) {
    for (const secret of [ticket, ann.accessToken]) expect(process.output()).not.toContain(secret);
  }
});

test('a fault of a message that follows at once ends no connection that is still being authenticated', async () => {
  const { accessToken } = await signUp(api.url);
  const sockets = await Promise.all(Array.from({ length: limits.socketsPerUser }, () => open()));
  for (const { socket, send } of sockets) {
    send({ type: 'authenticate', token: accessToken });
    for (const fault of ['no JSON', '{"type":"dance","id":"d"}']) socket.send(fault);
    send({ type: 'ping', id: 'p' });
  }
  for (const { saw, messages } of sockets) {
    await saw('pong', 'p');
    expect((await saw('problem', 'd')).problem.errors).toEqual([
      { path: 'type', message: '`type` must be one of: authenticate, ask, subscribe, unsubscribe, stop, ping' },
    ]);
    expect(messages.map(({ type }) => type)).toEqual(['authenticated', 'problem', 'problem', 'pong']);
  }
});

test('a connection on which nobody authenticates is closed', async () => {
  const socket = await open();
  expect(await socket.closed).toEqual({ code: 4001, reason: 'unauthenticated' });
});

test('a connection ends with its token, unless a new one of the same user comes before', async () => {
  const userId = randomUUID();
  const [ends, renewed] = [await open(), await open()];
  for (const socket of [ends, renewed]) await socket.authenticate(await tokenFor(userId, 3));
  renewed.send({ type: 'authenticate', id: 'bad', token: 'a.b.c' });
  expect((await renewed.saw('problem', 'bad')).problem.code).toBe('unauthenticated');
  renewed.send({ type: 'authenticate', id: 'of another', token: bob.accessToken });
  expect((await renewed.saw('problem', 'of another')).problem.code).toBe('unauthenticated');
  renewed.send({ type: 'authenticate', id: 'new', token: await tokenFor(userId, 50) });
  await renewed.saw('authenticated', 'new');
  expect(await ends.closed).toEqual({ code: 4002, reason: 'token_expired' });
  renewed.send({ type: 'ping', id: 'p' });
  await renewed.saw('pong', 'p');
});

test('a connection ends when its login does, at every api; a ticket of that login counts no more', async () => {
  const credentials = await register(api.url);
  const login = (await postJson(`${api.url}/auth/login`, credentials)).body as unknown as {
    accessToken: string;
    refreshToken: string;
  };
  const sockets = await Promise.all([open(), open(replica.url)]);
  for (const socket of sockets) await socket.authenticate(login.accessToken);
  const headers = { Authorization: `Bearer ${login.accessToken}` };
  const { ticket } = (await postJson(`${api.url}/chat/tickets`, {}, headers)).body as unknown as { ticket: string };
  await postJson(`${api.url}/auth/logout`, { refreshToken: login.refreshToken });
  for (const socket of sockets) expect(await socket.closed).toEqual({ code: 4003, reason: 'login_ended' });
  for (const message of [{ token: login.accessToken }, { ticket }]) {
    const socket = await open(replica.url);
    socket.send({ type: 'authenticate', ...message });
    expect((await socket.closed).code).toBe(4001);
  }
});

test('pages of this server and of allowed origins may connect, and programs; others may not', async () => {
  for (const origin of [api.url, SITE]) {
    // Its client offers compression, with which a small message could become a large one.
    expect((await open(api.url, { Origin: origin })).socket.extensions).toBe('');
  }
  for (const origin of ['https://evil.example', 'null', `${SITE}.evil.example`, 'nonsense']) {
    await expect(open(api.url, { Origin: origin })).rejects.toThrow('403');
  }
  const plain = await fetch(`${api.url}/chat/ws`);
  expect([plain.status, ((await plain.json()) as { code: string }).code]).toEqual([426, 'upgrade_required']);
  expect(plain.headers.get('upgrade')).toBe('websocket');
});

test('a connection that sends too much, or what is no text, is closed with a code that says so', async () => {
  const [large, binary, many] = [await connect(), await connect(), await connect()];
  large.socket.send('x'.repeat(limits.httpBodyBytes + 1));
  expect((await large.closed).code).toBe(1009);
  binary.socket.send(Buffer.from('{"type":"ping"}'));
  expect(await binary.closed).toEqual({ code: 1003, reason: 'not_text' });
  for (let n = 0; n < limits.socketMessages.atOnce * 2; n++) many.send({ type: 'ping' });
  expect(await many.closed).toEqual({ code: 4006, reason: 'too_many_messages' });
  expect(await metric(/^healify_websockets_ended_total{.*reason="too_large".*} (\d+)/m)).toBe(1);
});

test('a user has a bounded number of connections, and of streams of all kinds', async () => {
  const user = await signUp(api.url);
  const sockets: TestSocket[] = [];
  for (let n = 0; n < limits.socketsPerUser; n++) sockets.push(await connect(user));
  const tooMany = await open();
  tooMany.send({ type: 'authenticate', token: user.accessToken });
  expect(await tooMany.closed).toEqual({ code: 4005, reason: 'too_many_connections' });
  sockets[0]!.close();
  await sockets[0]!.closed;
  await until('a connection is free', async () => {
    const socket = await open();
    socket.send({ type: 'authenticate', token: user.accessToken });
    return Promise.race([socket.saw('authenticated'), socket.closed.then(() => false)]);
  });
  const { body } = await user.send({ message: 'How?' });
  for (let n = 0; n < limits.streamsPerUser; n++) {
    sockets[1 + (n % 2)]!.send({ type: 'subscribe', id: `s${n}`, requestId: body.requestId });
  }
  sockets[3]!.send({ type: 'subscribe', id: 'one more', requestId: body.requestId });
  await until('one is too many', async () => {
    const problems = sockets.flatMap(({ messages }) => messages.filter(({ type }) => type === 'problem'));
    return problems.some((message) => message.type === 'problem' && message.problem.code === 'too_many_streams');
  });
  expect((await user.get(`/chat/requests/${body.requestId}/events`)).status).toBe(429);
});

test('an api that stops tells its clients to go elsewhere, and another one has the very rest', async () => {
  const doomed = await startApi(env);
  const socket = await connect(ann, doomed.url);
  socket.send({ type: 'ask', id: 'q', question: { message: 'How?' } });
  const { requestId } = await socket.saw('accepted', 'q');
  const log = attempt(requestId);
  log.begun({ provider: 'p', model: 'm' });
  log.text('Eat ');
  await until('the text', () => socket.eventsOf('q').some(({ event }) => event.type === 'delta'));
  const stopped = doomed.stop();
  expect(await socket.closed).toEqual({ code: 1012, reason: 'stopping' });
  expect((await socket.saw('stopping')).reconnectInMs).toBeGreaterThan(0);
  await stopped;
  expect(doomed.exitCode).toBe(0);
  const after = socket.eventsOf('q').at(-1)!.number!;
  const next = await connect(ann, api.url);
  next.send({ type: 'subscribe', id: 'q', requestId, after });
  log.text('greens.');
  await log.end(COMPLETED, 'Eat greens.');
  await next.saw('ended', 'q');
  const numbers = [...socket.eventsOf('q'), ...next.eventsOf('q')].map(({ number }) => number);
  expect(numbers).toEqual(numbers.map((_, index) => index));
});
