import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { jobIdOf } from '../../src/adapters/jobs/chat-job.ts';
import { openChatQueue } from '../../src/adapters/jobs/job-shards.ts';
import { JOBS_PREFIX } from '../../src/contracts/queues.ts';
import { redisKeys } from '../../src/contracts/redis-keys.ts';
import { call, postJson, signUp, type TestUser } from '../api-client.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { textOf } from '../redis-text.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { type StandInWorker, startStandInWorker } from '../stand-in-worker.ts';
import { until } from '../until.ts';

let api: TestProcess;
let replica: TestProcess;
let worker: StandInWorker;
let redis: Redis;
let ann: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
    RATE_SEND_PER_MINUTE: '10000',
    RATE_READ_PER_MINUTE: '100000',
    CONTEXT_MAX_TOKENS: '100',
  };
  [api, replica] = [await startApi(env), await startApi(env)];
  worker = await startStandInWorker(env.RABBITMQ_URL);
  redis = new Redis(env.REDIS_URL);
  [ann, bob] = [await signUp(api.url), await signUp(api.url)];
});
afterAll(async () => {
  await worker.stop();
  await redis.quit();
});

const ask = async (user: TestUser, message = 'How?', sessionId?: string) => {
  const sent = await user.send({ message, ...(sessionId && { sessionId }) });
  expect(sent.status).toBe(202);
  const { request } = await worker.delivery(sent.body.requestId);
  return request;
};
const answered = (user: TestUser, sessionId: string, status = 'completed') =>
  until(`the session is ${status}`, async () => {
    const { body } = await user.session(sessionId);
    return (body as unknown as { status: string }).status === status ? body : undefined;
  });

test('a question is accepted with 202, travels with all that a worker needs, and its answer is in the session', async () => {
  const sent = await ann.send(
    { message: 'What are healthy eating habits?' },
    { traceparent: traceparent(), tracestate: 'rojo=1,congo=2' },
  );
  expect(sent).toMatchObject({ status: 202, body: { status: 'queued' } });
  const { sessionId, requestId } = sent.body;
  expect(sent.headers.get('location')).toBe(`/chat/session/${sessionId}`);
  expect(sent.headers.get('ratelimit')).toMatch(/^"send";r=\d+;t=\d+$/);

  const { request, message } = await worker.delivery(requestId);
  expect(request.priority).toBe('interactive');
  expect(request).toMatchObject({ version: 1, requestId, sessionId, userId: ann.userId, context: [] });
  expect(Date.parse(request.deadline!) - Date.parse(request.createdAt!)).toBe(900_000);
  expect(message.properties).toMatchObject({ messageId: requestId, correlationId: sessionId, deliveryMode: 2 });
  expect(message.properties.headers).toMatchObject({
    traceparent: expect.stringContaining('4bf92f3577b34da6a3ce929d0e0e4736'),
    tracestate: 'rojo=1,congo=2',
  });

  expect(await ann.session(sessionId)).toMatchObject({ status: 200, body: { status: 'queued', response: null } });
  await worker.answer(request, { response: 'Eat your greens.' });
  expect(await answered(ann, sessionId)).toMatchObject({
    response: 'Eat your greens.',
    turns: [{ requestId, status: 'completed', message: 'What are healthy eating habits?', timings: { modelMs: 2 } }],
  });
});

test('a question whose client waits for the answer can be read meanwhile', async () => {
  const first = await ask(ann, 'To begin with.');
  await worker.answer(first);
  await answered(ann, first.sessionId);
  const waiting = ann.send({ message: 'And then?', sessionId: first.sessionId }, { prefer: 'wait=10' });
  await answered(ann, first.sessionId, 'queued');
  const { body } = await ann.session(first.sessionId);
  const { turns } = body as unknown as { turns: { requestId: string; status: string; message: string }[] };
  expect(turns.at(-1)).toMatchObject({ status: 'queued', message: 'And then?' });
  await worker.answer((await worker.delivery(turns.at(-1)!.requestId)).request, { response: 'Then water.' });
  expect(await waiting).toMatchObject({ status: 200, body: { status: 'completed', response: 'Then water.' } });
});

test('a question that nobody waits for may say so, and travels as batch', async () => {
  const sent = await ann.send({ message: 'Some time.', priority: 'batch' });
  expect((await worker.delivery(sent.body.requestId)).request.priority).toBe('batch');
});

test('the second turn of a conversation carries the first, as far as the budget goes', async () => {
  const first = await ask(ann, 'My name is Ann.');
  await worker.answer(first, { response: 'Hello Ann.' });
  await answered(ann, first.sessionId);
  const second = await ask(ann, 'What is my name?', first.sessionId);
  expect(second.context).toEqual([
    { role: 'user', content: 'My name is Ann.' },
    { role: 'assistant', content: 'Hello Ann.' },
  ]);
  await worker.answer(second, { response: 'x'.repeat(400) });
  await answered(ann, first.sessionId);
  const third = await ask(ann, 'And now?', first.sessionId);
  expect(third.context).toEqual([]);
});

test('a failure is shown, and the answer of an operator’s retry replaces it', async () => {
  const request = await ask(ann);
  const error = { code: 'model_unavailable' as const, message: 'The model is not available.', retryable: true };
  await worker.answer(request, { status: 'failed', response: null, model: null, provider: null, usage: null, error });
  expect(await answered(ann, request.sessionId, 'failed')).toMatchObject({ turns: [{ error }] });
  await worker.answer(request, { response: 'At last.' });
  expect(await answered(ann, request.sessionId)).toMatchObject({ response: 'At last.' });
});

test('an answer that comes twice is shown once, and a second, different one never', async () => {
  const request = await ask(ann);
  await worker.answer(request, { response: 'The first.' });
  await answered(ann, request.sessionId);
  await worker.answer(request, { response: 'Another.' });
  const marker = await ask(ann);
  await worker.answer(marker);
  await answered(ann, marker.sessionId);
  expect((await ann.session(request.sessionId)).body).toMatchObject({ response: 'The first.', turns: [{}] });
});

test('Prefer: wait holds the reply until the answer is there, from whichever replica', async () => {
  const held = ann.at(replica.url).send({ message: 'Quick?' }, { Prefer: 'wait=20' });
  const { request } = await until('the request', () =>
    worker.deliveries.find(({ request }) => request.message === 'Quick?'),
  );
  await worker.answer(request, { response: 'Yes.' });
  const reply = await held;
  expect(reply).toMatchObject({ status: 200, body: { status: 'completed', response: 'Yes.' } });
  expect(reply.headers.get('preference-applied')).toBe('wait=20');
  expect(reply.body.sessionId).toBe(request.sessionId);
});

test('Prefer: wait gives up after its time, and the answer can still be read', async () => {
  const reply = await ann.send({ message: 'Slow?' }, { Prefer: 'wait=1' });
  expect(reply).toMatchObject({ status: 202, body: { status: 'queued' } });
});

test('the same Idempotency-Key gives the same ids and costs one request', async () => {
  const key = { 'Idempotency-Key': randomUUID() };
  const message = `once ${randomUUID()}`;
  const replies = await Promise.all([
    ...Array.from({ length: 5 }, () => ann.send({ message }, key)),
    ...Array.from({ length: 5 }, () => ann.at(replica.url).send({ message }, key)),
  ]);
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(replies.map(({ body }) => body.requestId)).size).toBe(1);
  const other = await ann.send({ message: 'another' }, key);
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  const bobs = await bob.send({ message }, key);
  expect(bobs.body.requestId).not.toBe(replies[0]!.body.requestId);
});

test('a repeat that leaves out defaults is the same, and one that asks for another thing is refused', async () => {
  const key = { 'Idempotency-Key': randomUUID() };
  const sessionId = randomUUID();
  const asked = { message: 'The same?', sessionId, newSession: true };
  const first = await ann.send(asked, key);
  const same = await ann.send({ ...asked, cache: true, priority: 'interactive', model: null }, key);
  expect(same).toMatchObject({ status: 202, body: { requestId: first.body.requestId } });
  for (const other of [{ newSession: false }, { priority: 'batch' }, { cache: false }, { sessionId: null }]) {
    expect(await ann.send({ ...asked, ...other }, key)).toMatchObject({ status: 422 });
  }
});

test('a repeat whose conversation was erased says so, and asks nothing', async () => {
  const key = { 'Idempotency-Key': randomUUID() };
  const { body } = await ann.send({ message: 'Forget it?' }, key);
  expect((await ann.delete(`/chat/session/${body.sessionId}`)).status).toBe(204);
  const again = await ann.send({ message: 'Forget it?' }, key);
  expect(again).toMatchObject({ status: 404, body: { code: 'session_not_found' } });
  expect(again.body.detail).toContain('erased');
});

test('a user sees nothing of another’s: it is as if it did not exist', async () => {
  const { sessionId } = await ask(ann);
  const missing = await bob.session(randomUUID());
  const strip = ({ traceId: _, instance: __, ...rest }: Record<string, unknown>) => rest;
  for (const answer of [
    await bob.session(sessionId),
    await bob.delete(`/chat/session/${sessionId}`),
    await postJson(`${api.url}/chat/session/${sessionId}/cancel`, {}, { Authorization: `Bearer ${bob.accessToken}` }),
    await bob.get(`/chat/history/${ann.userId}`),
  ]) {
    expect(answer.status).toBe(404);
    expect(strip(answer.body as never)).toEqual(strip(missing.body as never));
  }
  const refused = [
    await bob.send({ message: 'Let me in', sessionId }),
    await bob.send({ message: 'Hello?', sessionId: randomUUID() }),
  ];
  for (const answer of refused) {
    expect(answer).toMatchObject({ status: 404, body: { code: 'session_not_found', errors: [{ path: 'sessionId' }] } });
  }
  expect(strip(refused[0]!.body as never)).toEqual(strip(refused[1]!.body as never));
  expect((await ann.session(sessionId)).status).toBe(200);
});

test('history is given newest first, a page at a time', async () => {
  const carol = await signUp(api.url);
  for (const message of ['one', 'two', 'three']) await ask(carol, message);
  const first = await carol.history('?limit=2');
  expect(first.body.items.map(({ message }) => message)).toEqual(['three', 'two']);
  const second = await carol.history(`?limit=2&cursor=${first.body.nextCursor}`);
  expect(second.body.items.map(({ message }) => message)).toEqual(['one']);
  expect(second.body.nextCursor).toBeNull();
});

test('a cancelled question is over for its user at once, and an answer that comes later is dropped', async () => {
  const request = await ask(ann);
  const cancel = () =>
    postJson(`${api.url}/chat/session/${request.sessionId}/cancel`, {}, { Authorization: `Bearer ${ann.accessToken}` });
  expect(await cancel()).toMatchObject({ status: 200, body: { status: 'cancelled', turns: [{ response: null }] } });
  expect(await redis.exists(redisKeys.cancelled(JOBS_PREFIX, jobIdOf(request.requestId)))).toBe(1);
  await worker.answer(request, { response: 'Too late.' });
  const marker = await ask(ann);
  await worker.answer(marker);
  await answered(ann, marker.sessionId);
  expect(await cancel()).toMatchObject({ status: 200, body: { status: 'cancelled', response: null } });
});

test('a client that waits for a question is told at once that it is cancelled, at the same api as well', async () => {
  const { sessionId } = await ask(ann);
  const startedAt = Date.now();
  const waiting = ann.send({ message: 'And?', sessionId }, { Prefer: 'wait=30' });
  await until('it is asked', async () => (await ann.session(sessionId)).body.turns.length === 2);
  await postJson(`${api.url}/chat/session/${sessionId}/cancel`, {}, { Authorization: `Bearer ${ann.accessToken}` });
  expect((await waiting).body.status).toBe('cancelled');
  expect(Date.now() - startedAt).toBeLessThan(20_000);
});

test('an erased session leaves nothing of itself, and a late answer does not bring it back', async () => {
  const secret = `secret-${randomUUID()}`;
  const first = await ask(ann, secret);
  await redis.set(`ai:response:${first.sessionId}`, secret);
  const second = await ask(ann, `${secret} again`, first.sessionId);
  expect((await ann.delete(`/chat/session/${first.sessionId}`)).status).toBe(204);
  expect((await ann.session(first.sessionId)).status).toBe(404);
  await worker.answer(first, { response: secret });
  await worker.answer(second, { response: secret });
  const marker = await ask(ann);
  await worker.answer(marker);
  await answered(ann, marker.sessionId);
  expect((await ann.session(first.sessionId)).status).toBe(404);
  expect(JSON.stringify((await ann.history('?limit=100')).body)).not.toContain(secret);
  expect(await textOf(redis)).not.toContain(secret);
  expect(api.output() + replica.output()).not.toContain(secret);
});

test('a job that a worker keeps for a moment after its failure was told is erased all the same', async () => {
  const secret = `secret-${randomUUID()}`;
  const { requestId, sessionId } = await ask(ann, secret);
  const queue = openChatQueue(redis);
  const id = jobIdOf(requestId);
  await redis.hset(queue.toKey(id), 'data', secret);
  await redis.lpush(queue.toKey('active'), id);
  expect((await ann.delete(`/chat/session/${sessionId}`)).status).toBe(204);
  await redis.lrem(queue.toKey('active'), 0, id);
  await redis.zadd(queue.toKey('failed'), Date.now(), id);
  await until('nothing is left of it', async () => !(await textOf(redis)).includes(secret));
  await until('the erasure is over', async () => (await ann.delete(`/chat/session/${sessionId}`)).status === 404);
  await queue.close();
});

test('a client that waits for a question is told at once when it is erased, at every replica', async () => {
  const sessionId = randomUUID();
  const waiting = { Prefer: 'wait=60' };
  const asking = ann.at(replica.url).send({ message: 'Forget it?', sessionId, newSession: true }, waiting);
  const [turn] = (await answered(ann, sessionId, 'queued')).turns;
  await worker.delivery(turn!.requestId);
  const looking = [ann, ann.at(replica.url)].map((user) => user.get(`/chat/session/${sessionId}`, waiting));
  expect((await ann.delete(`/chat/session/${sessionId}`)).status).toBe(204);
  const told = await asking;
  expect(told).toMatchObject({ status: 404, body: { code: 'session_not_found' } });
  expect(told.body.detail).toContain('erased');
  for (const looked of looking) expect((await looked).status).toBe(404);
});

test('what a session leaves in the cache and in the queue is erased with it, also of a question that nobody saw', async () => {
  const secret = `secret-${randomUUID()}`;
  const first = await ask(ann, secret);
  const answerKey = randomUUID();
  await redis.set(redisKeys.answer(answerKey), secret);
  await worker.answer(first, { response: secret, answerKey });
  const seen = await answered(ann, first.sessionId);
  expect(JSON.stringify(seen)).not.toContain('answerKey');

  // As one whose confirm timed out: RabbitMQ may have it.
  const hidden = randomUUID();
  const turns = redisKeys.turns(first.sessionId);
  const question = `1 ${JSON.stringify({ message: secret, createdAt: new Date().toISOString() })}`;
  await redis.hset(turns, { [`${hidden}:q`]: question, [`${hidden}:s`]: 'accepting', '1:n': hidden, 'index:n': '2 2' });

  expect((await ann.delete(`/chat/session/${first.sessionId}`)).status).toBe(204);
  for (const requestId of [first.requestId, hidden]) {
    expect(await redis.exists(redisKeys.cancelled(JOBS_PREFIX, jobIdOf(requestId)))).toBe(1);
  }
  expect(await textOf(redis)).not.toContain(secret);
  expect((await ann.delete(`/chat/session/${first.sessionId}`)).status).toBe(404);
});

test('a client may choose the id of a new session, and so cancel a question whose answer it waits for', async () => {
  const sessionId = randomUUID();
  const held = ann.send({ message: 'Never mind?', sessionId, newSession: true }, { Prefer: 'wait=20' });
  await until('it is asked', () => worker.deliveries.some(({ request }) => request.sessionId === sessionId));
  const reply = await until('it can be cancelled', async () => {
    const answer = await ann.post(`/chat/session/${sessionId}/cancel`);
    return answer.status === 200 ? answer : undefined;
  });
  expect(reply.body).toMatchObject({ status: 'cancelled' });
  expect(await held).toMatchObject({
    status: 200,
    body: { sessionId, status: 'cancelled', finishReason: 'cancelled' },
  });
  expect(await ann.send({ message: 'And now?', sessionId })).toMatchObject({ status: 202, body: { sessionId } });
});

test('ids in capitals, as Swift writes them, name the same session and question', async () => {
  const sessionId = randomUUID();
  const chosen = await ann.send({ message: 'One?', sessionId: sessionId.toUpperCase(), newSession: true });
  expect(chosen).toMatchObject({ status: 202, body: { sessionId } });
  const more = await ann.send({ message: 'Two?', sessionId: sessionId.toUpperCase() });
  expect(more).toMatchObject({ status: 202, body: { sessionId } });
  expect((await ann.session(sessionId.toUpperCase())).body).toMatchObject({ sessionId });
  const cancelled = await ann.post(`/chat/requests/${more.body.requestId.toUpperCase()}/cancel`);
  expect(cancelled).toMatchObject({ status: 200, body: { requestId: more.body.requestId } });
  expect((await ann.delete(`/chat/session/${sessionId.toUpperCase()}`)).status).toBe(204);
});

test('an id that is in use begins no new session, and does not say whose it is', async () => {
  const { sessionId } = await ask(ann);
  const strip = ({ traceId: _, instance: __, ...rest }: Record<string, unknown>) => rest;
  const [own, foreign] = [
    await ann.send({ message: 'Mine?', sessionId, newSession: true }),
    await bob.send({ message: 'Mine?', sessionId, newSession: true }),
  ];
  expect(own).toMatchObject({ status: 409, body: { code: 'session_id_taken' } });
  expect(strip(foreign.body as never)).toEqual(strip(own.body as never));
  expect((await bob.session(sessionId)).status).toBe(404);
  const guessable = await ann.send({
    message: 'x',
    sessionId: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
    newSession: true,
  });
  expect(guessable).toMatchObject({ status: 400, body: { errors: [{ path: 'sessionId' }] } });
});

test('one question of a conversation is cancelled, and the others go on', async () => {
  const first = await ask(ann);
  const second = await ask(ann, 'And?', first.sessionId);
  const cancel = (user: TestUser, requestId: string) => user.post(`/chat/requests/${requestId}/cancel`);
  const { sessionId } = first;
  expect((await cancel(bob, first.requestId)).status).toBe(404);
  expect((await cancel(ann, randomUUID())).status).toBe(404);
  const expected = { status: 200, body: { sessionId, requestId: first.requestId, status: 'cancelled' } };
  expect(await cancel(ann, first.requestId)).toMatchObject(expected);
  expect(await cancel(ann, first.requestId)).toMatchObject(expected);
  expect(await redis.exists(redisKeys.cancelled(JOBS_PREFIX, jobIdOf(first.requestId)))).toBe(1);
  expect((await ann.session(sessionId)).body.turns).toMatchObject([{ status: 'cancelled' }, { status: 'queued' }]);
  await worker.answer(second, { response: 'Go on.' });
  expect(await answered(ann, sessionId)).toMatchObject({ response: 'Go on.' });
  expect(await cancel(ann, second.requestId)).toMatchObject({ status: 200, body: { status: 'completed' } });
});

test('Prefer: wait on a session holds the reply until its latest question has ended, from whichever replica', async () => {
  const request = await ask(ann);
  const wait = (seconds: number) =>
    ann.at(replica.url).get(`/chat/session/${request.sessionId}`, { Prefer: `wait=${seconds}` });
  const early = await wait(1);
  expect(early).toMatchObject({ status: 200, body: { status: 'queued' } });
  const held = wait(20);
  await worker.answer(request, { response: 'Here it is.' });
  const reply = await held;
  expect(reply).toMatchObject({ status: 200, body: { status: 'completed', response: 'Here it is.' } });
  expect(reply.headers.get('preference-applied')).toBe('wait=20');
  expect(await wait(20)).toMatchObject({ status: 200, body: { status: 'completed' } });
});

test('a long conversation is given a page at a time, and carries only its newest turns to the model', async () => {
  const first = await ask(ann, 'Question 0');
  const { sessionId } = first;
  for (let i = 1; i < 5; i++) await ask(ann, `Question ${i}`, sessionId);
  const page = (query: string) => ann.get(`/chat/session/${sessionId}?${query}`);
  const newest = await page('limit=2');
  const messagesOf = (reply: typeof newest) => reply.body.turns.map(({ message }) => message);
  expect(messagesOf(newest)).toEqual(['Question 3', 'Question 4']);
  const older = await page(`limit=3&cursor=${newest.body.nextCursor}`);
  expect(messagesOf(older)).toEqual(['Question 0', 'Question 1', 'Question 2']);
  expect(older.body.nextCursor).toBeNull();
  expect((await page('')).body.turns).toHaveLength(5);
});

test('an unreadable cursor is refused, and named', async () => {
  const { sessionId } = await ask(ann);
  for (const path of [`/chat/history/${ann.userId}?cursor=abc`, `/chat/session/${sessionId}?cursor=abc`]) {
    expect(await ann.get(path)).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: 'cursor' }] },
    });
  }
});

test.each<[string, RequestInit, number, string]>([
  ['a body that is not JSON', { body: '{"message":' }, 400, 'malformed_json'],
  ['an empty body', {}, 400, 'validation_failed'],
  ['JSON that is no object', { body: '["message"]' }, 400, 'validation_failed'],
  ['a message of the wrong type', { body: '{"message":7}' }, 400, 'validation_failed'],
  ['a blank message', { body: '{"message":"  "}' }, 400, 'validation_failed'],
  ['a message that is too long', { body: `{"message":"${'x'.repeat(16_001)}"}` }, 400, 'validation_failed'],
  ['a field that nobody knows', { body: '{"message":"x","mesage":"y"}' }, 400, 'validation_failed'],
  ['a session id that is none', { body: '{"message":"x","sessionId":"../../x"}' }, 400, 'validation_failed'],
  ['a body of a megabyte', { body: `{"message":"${'x'.repeat(1_000_000)}"}` }, 413, 'payload_too_large'],
  ['another media type', { body: 'hello', headers: { 'Content-Type': 'text/plain' } }, 415, 'unsupported_media_type'],
  ['a bad Idempotency-Key', { body: '{"message":"x"}', headers: { 'Idempotency-Key': 'é' } }, 400, 'validation_failed'],
])('%s is refused with what to do about it', async (_what, init, status, code) => {
  const headers = {
    Authorization: `Bearer ${ann.accessToken}`,
    'Content-Type': 'application/json',
    ...(init.headers as Record<string, string>),
  };
  const answer = await call(`${api.url}/chat/send`, { method: 'POST', ...init, headers });
  expect(answer).toMatchObject({ status, body: { code, detail: expect.any(String), traceId: expect.any(String) } });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
});

test('garbage among the answers is kept aside, and the next good one is written down', async () => {
  const request = await ask(ann);
  await worker.publishRaw(Buffer.from('{"not":"an answer"}'));
  await worker.publishRaw(Buffer.from([0xff, 0xfe, 0x00]));
  await worker.answer({ ...request, sessionId: randomUUID() });
  await worker.answer(request);
  await answered(ann, request.sessionId);
  const letters = await until('three dead letters', async () => {
    const found = await worker.deadLetters();
    return found.length >= 3 ? found : undefined;
  });
  const reasons = letters.map(({ properties }) => properties.headers?.['x-dead-letter-reason']);
  expect(reasons.sort()).toEqual(['invalid_message', 'not_utf8', 'unknown_session']);
  expect(letters.map(({ content }) => content.toString('latin1'))).toContain('{"not":"an answer"}');
});

const traceparent = () => '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test.each([null, ''])(
  'a sessionId of %p begins a new session, and so do other fields without a value',
  async (nothing) => {
    const sent = await ann.send({
      message: 'How?',
      sessionId: nothing,
      model: nothing,
      priority: nothing,
      cache: null,
    });
    expect(sent.status).toBe(202);
    const { request } = await worker.delivery(sent.body.requestId);
    expect(request).toMatchObject({ sessionId: sent.body.sessionId, priority: 'interactive', cache: true });
    expect(request).not.toHaveProperty('model');
  },
);
