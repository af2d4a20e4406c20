import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ratedAnswer } from '../../src/contracts/http/feedback-bodies.ts';
import type { Me } from '../../src/contracts/http/me.ts';
import type { SessionSummary } from '../../src/contracts/http/session-bodies.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { makeOperator } from '../make-operator.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { goodClaims, signToken } from '../sign-token.ts';
import { type StandInWorker, startStandInWorker } from '../stand-in-worker.ts';
import { until } from '../until.ts';

const JWT_SECRET = 'a secret of at least thirty-two bytes';
let api: TestProcess;
let worker: StandInWorker;
let ann: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET,
    ALLOWED_MODELS: 'small,large',
    CHAT_MODEL: 'small',
    RATE_SEND_PER_MINUTE: '1000',
  };
  api = await startApi(env);
  await makeOperator(env.REDIS_URL);
  worker = await startStandInWorker(env.RABBITMQ_URL);
  [ann, bob] = [await signUp(api.url), await signUp(api.url)];
});
afterAll(() => worker.stop());

const listOf = async (user: TestUser, query = '') => {
  const { status, body } = await user.get(`/chat/sessions${query}`);
  expect(status).toBe(200);
  return body as unknown as { items: SessionSummary[]; nextCursor: string | null };
};
const asked = async (user: TestUser, message: string, sessionId?: string) => {
  const sent = await user.send({ message, ...(sessionId && { sessionId }) });
  expect(sent.status).toBe(202);
  return sent.body;
};

test('a page learns who its user is, what they may do, and which models there are', async () => {
  const { body } = await ann.get('/me');
  const me = body as unknown as Me;
  expect(me).toMatchObject({ userId: ann.userId, email: expect.stringContaining('@example.com'), roles: ['user'] });
  expect(me.models).toEqual({ standard: 'small', allowed: ['small', 'large'] });
  expect(me.limits).toMatchObject({ messageChars: 16_000, sendPerMinute: 1_000, maxWaitSeconds: expect.any(Number) });
});

test('a user sees their conversations with titles, newest first, page by page, and searches them', async () => {
  const first = await asked(ann, 'What are healthy eating habits?');
  await asked(ann, 'How much water?');
  const third = await asked(ann, 'And sleep?');
  expect((await listOf(ann)).items.map(({ title }) => title)).toEqual([
    'And sleep?',
    'How much water?',
    'What are healthy eating habits?',
  ]);
  const page = await listOf(ann, '?limit=1');
  expect(page.items).toMatchObject([{ sessionId: third.sessionId }]);
  expect((await listOf(ann, `?limit=5&cursor=${page.nextCursor}`)).items).toHaveLength(2);
  expect((await listOf(ann, '?search=HEALTHY')).items).toMatchObject([{ sessionId: first.sessionId }]);
  expect((await listOf(bob)).items).toEqual([]);
  expect((await ann.session(first.sessionId)).body).toMatchObject({ title: 'What are healthy eating habits?' });
});

test('a user renames a conversation; an erased one leaves the list', async () => {
  const { sessionId } = await asked(ann, 'To be renamed');
  expect(await ann.patch(`/chat/session/${sessionId}`, { title: ' A\nbetter\u0007 title ' })).toMatchObject({
    status: 200,
    body: { sessionId, title: 'A better title' },
  });
  expect((await listOf(ann)).items[0]).toMatchObject({ sessionId, title: 'A better title' });
  expect(await bob.patch(`/chat/session/${sessionId}`, { title: 'Mine' })).toMatchObject({ status: 404 });
  for (const title of ['', ' \u0000 ', 'x'.repeat(121), 7, null]) {
    expect(await ann.patch(`/chat/session/${sessionId}`, { title })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ path: 'title' }] },
    });
  }
  await ann.delete(`/chat/session/${sessionId}`);
  expect((await listOf(ann)).items.map((item) => item.sessionId)).not.toContain(sessionId);
});

test('a long conversation shows its newest questions first and pages backwards, if the page wants that', async () => {
  const { sessionId } = await asked(ann, 'One');
  for (const message of ['Two', 'Three']) await asked(ann, message, sessionId);
  const read = async (query: string) => {
    const { body } = await ann.get(`/chat/session/${sessionId}${query}`);
    return { messages: body.turns.map(({ message }) => message), next: body.nextCursor };
  };
  const newest = await read('?order=newest&limit=2');
  expect(newest.messages).toEqual(['Three', 'Two']);
  expect((await read(`?order=newest&limit=2&cursor=${newest.next}`)).messages).toEqual(['One']);
  expect((await read('?limit=2')).messages).toEqual(['Two', 'Three']);
  expect((await ann.get(`/chat/session/${sessionId}?order=random`)).status).toBe(400);
});

test('what is wrong with a list’s query is named', async () => {
  expect((await ann.get('/chat/sessions?cursor=nonsense')).body).toMatchObject({ errors: [{ path: 'cursor' }] });
  expect((await ann.get(`/chat/sessions?search=${'x'.repeat(101)}`)).body).toMatchObject({
    errors: [{ path: 'search' }],
  });
  expect((await ann.patch(`/chat/session/${randomUUID()}`, { title: 'x' })).status).toBe(404);
});

test('a user rates an answer, changes their mind and withdraws; the metrics count what stands', async () => {
  const { requestId, sessionId } = await asked(ann, 'Was that good?');
  const path = `/chat/requests/${requestId}/feedback`;
  expect(await ann.put(path, { rating: 'up' })).toMatchObject({ status: 409, body: { code: 'no_answer' } });
  await worker.answer((await worker.delivery(requestId)).request, { response: 'Yes.', model: 'small' });
  await until('the answer', async () => (await ann.session(sessionId)).body.turns[0]!.status === 'completed');

  for (const rating of ['up', 'down', 'down']) {
    expect(await ann.put(path, { rating, reason: 'other', comment: 'secret words' })).toMatchObject({
      status: 200,
      body: { rating, reason: 'other', comment: 'secret words' },
    });
  }
  expect((await ann.session(sessionId)).body.turns[0]).toMatchObject({ feedback: { rating: 'down' } });
  const counts = await countedRatings();
  expect({
    up: counts('rating', 'up') - counts('was', 'up'),
    down: counts('rating', 'down') - counts('was', 'down'),
  }).toEqual({
    up: 0,
    down: 1,
  });

  expect((await bob.put(path, { rating: 'up' })).status).toBe(404);
  for (const body of [
    {},
    { rating: 'sideways' },
    { rating: 'up', reason: 'because' },
    { rating: 'up', comment: 'x'.repeat(1_001) },
  ])
    expect((await ann.put(path, body)).status).toBe(400);
  expect((await ann.delete(path)).status).toBe(204);
  expect((await ann.delete(path)).status).toBe(204);
  expect((await ann.session(sessionId)).body.turns[0]).toMatchObject({ feedback: null });
  const after = await countedRatings();
  expect(after('rating', 'down') - after('was', 'down')).toBe(0);
});

test('an admin exports feedback as NDJSON, without a text of a user', async () => {
  const { requestId, sessionId } = await asked(ann, 'A question for the export');
  await worker.answer((await worker.delivery(requestId)).request, {
    response: 'An answer for the export.',
    model: 'small',
  });
  await until('the answer', async () => (await ann.session(sessionId)).body.turns[0]!.status === 'completed');
  await ann.put(`/chat/requests/${requestId}/feedback`, {
    rating: 'down',
    reason: 'incorrect',
    comment: 'secret words',
  });
  const read = (token: string, query = '') =>
    fetch(`${api.url}/admin/feedback${query}`, { headers: { Authorization: `Bearer ${token}` } });
  const token = signToken({ header: { alg: 'HS256' }, payload: goodClaims({ role: 'admin' }) }, JWT_SECRET);
  const reply = await read(token);
  expect(reply.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
  const text = await reply.text();
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toEqual([
    {
      ...{ requestId, sessionId, userId: ann.userId, rating: 'down', reason: 'incorrect', commented: true },
      ...{ provider: expect.any(String), model: 'small', ratedAt: expect.any(String) },
    },
  ]);
  expect(text).not.toMatch(/secret|export/);
  // What the OpenAPI document says of a line, with and without what is optional.
  await ann.put(`/chat/requests/${requestId}/feedback`, { rating: 'up' });
  const withoutReason = JSON.parse(await (await read(token)).text());
  expect(withoutReason).toMatchObject({ rating: 'up', commented: false });
  for (const line of [...lines, withoutReason]) expect(() => ratedAnswer.strict().parse(line)).not.toThrow();
  expect(await (await read(token, '?until=2020-01-01T00:00:00Z')).text()).toBe('');
  expect((await read(token, '?from=yesterday')).status).toBe(400);
  expect((await read(ann.accessToken)).status).toBe(403);
});

/** Sums what the api has counted, by the value of a label. */
async function countedRatings(): Promise<(label: string, value: string) => number> {
  const lines = (await (await fetch(api.metricsUrl)).text()).split('\n');
  return (label, value) =>
    lines
      .filter((line) => line.startsWith('healify_feedback_total') && line.includes(`${label}="${value}"`))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
