import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Me } from '../../src/contracts/http/me.ts';
import type { SessionSummary } from '../../src/contracts/http/session-bodies.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { type StandInWorker, startStandInWorker } from '../stand-in-worker.ts';

let api: TestProcess;
let worker: StandInWorker;
let ann: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    ALLOWED_MODELS: 'small,large',
    CHAT_MODEL: 'small',
    RATE_SEND_PER_MINUTE: '1000',
  };
  api = await startApi(env);
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
