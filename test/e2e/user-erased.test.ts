import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { partsOf } from '../../src/adapters/jobs/search/ended-line.ts';
import type { Erasure } from '../../src/contracts/erasures.ts';
import { kindsOfData } from '../../src/contracts/kept-data.ts';
import { call, register, signUp, type TestUser } from '../api-client.ts';
import { openMongoDb } from '../mongodb-connection.ts';
import { startApi, startScript, startWorker, type TestProcess } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { readExport } from '../read-export.ts';
import { textOf } from '../redis-text.ts';
import { testMongoDbUrl, testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';
import { withMongoDb } from '../with-mongodb.ts';

const PASSWORD = 'three-brown-otters';
/** A test asks more often than a person. */
const RATES = { RATE_LOGIN_PER_MINUTE: '100000', RATE_READ_PER_MINUTE: '1000000' };

describe('with everything in Redis', () => describeErasure(async () => ({})));
withMongoDb('with MongoDB', () => describeErasure(async () => ({ MONGODB_URL: await testMongoDbUrl() })));

function describeErasure(makeEnv: () => Promise<{ MONGODB_URL?: string }>): void {
  const keys = { ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`, ...RATES };
  let env: { RABBITMQ_URL: string; REDIS_URL: string; MONGODB_URL?: string };
  let simulator: TestSimulator;
  let api: TestProcess;
  let redis: Redis;
  let client: QueueClient;
  let bob: TestUser;

  beforeAll(async () => {
    env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl(), ...(await makeEnv()) };
    redis = new Redis(env.REDIS_URL);
    simulator = await startSimulator();
    const settings = { MODEL_SIMULATOR_URL: simulator.baseUrl, RETRY_BASE: '1h', RETRY_MAX: '1h' };
    [api] = await Promise.all([startApi({ ...env, ...keys }), startWorker({ ...env, ...keys, ...settings })]);
    client = await startQueueClient(env.RABBITMQ_URL);
    bob = await signUp(api.url);
  });
  afterAll(async () => {
    await simulator.stop();
    redis.disconnect();
  });

  const answered = async (user: TestUser, message: string, more: object = {}, headers: Record<string, string> = {}) => {
    const { status, body } = await user.send({ message, ...more }, { Prefer: 'wait=20', ...headers });
    expect({ status, state: body.status }).toEqual({ status: 200, state: 'completed' });
    return body;
  };
  const isNow = (user: TestUser, sessionId: string, status: string) =>
    until(`a question is ${status}`, async () => (await user.session(sessionId)).body.turns.at(-1)?.status === status);

  /** Somebody with data of every kind that can be made from outside. The texts have the user's id in them. */
  async function somebodyWithData(): Promise<TestUser> {
    const user = await signUp(api.url);
    const text = (what: string) => `Is ${user.userId} ${what}?`;
    const { requestId } = await answered(user, text('healthy'), {}, { 'Idempotency-Key': randomUUID() });
    expect((await user.put(`/chat/requests/${requestId}/feedback`, { rating: 'up', comment: 'good' })).status).toBe(
      200,
    );
    await answered(user, text('streamed'), { stream: true });
    const failing = (await user.send({ message: `${text('failed')} [[simulate status=400]]` })).body.sessionId;
    await isNow(user, failing, 'failed');
    const retrying = (await user.send({ message: `${text('retried')} [[simulate status=500]]` })).body.sessionId;
    await isNow(user, retrying, 'retrying');
    // Another service has asked for this user, in a session that we do not have.
    const [own, dead] = [randomUUID(), randomUUID()];
    await client.ask({ requestId: own, sessionId: own, userId: user.userId, message: text('asked elsewhere') });
    const letter = { requestId: dead, userId: user.userId, message: text('unreadable') };
    await client.ask(letter);
    await until('its answer belongs to no session', async () => (await client.depth('chat_responses.dlq')) > 0);
    await until('it is a dead letter', async () => (await client.depth('chat_requests.dlq')) > 0);
    const [line] = partsOf({ userId: user.userId });
    await until('jobs that have ended can be searched for', async () => (await keptTexts()).split(line!).length > 3);
    return user;
  }

  const erase = async (user: TestUser, body: object = { password: PASSWORD }) => {
    const reply = await call(`${api.url}/account`, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${user.accessToken}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: reply.status, headers: reply.headers, body: reply.body as unknown as Erasure & { code?: string } };
  };
  /** The receipt, once everything is erased. What hinders it is in the error. */
  async function untilErased(erasureId: string): Promise<Erasure> {
    let last: Erasure | undefined;
    const isErased = async () => {
      last = (await call(`${api.url}/erasures/${erasureId}`)).body as unknown as Erasure;
      return last.state === 'erased';
    };
    await until('everything is erased', isErased).catch((error) => {
      const left = last?.kinds?.filter((kind) => kind.left > 0).map(({ kind }) => kind);
      throw new Error(`${error.message}; left: ${left}; waits for ${last?.waitsFor}`);
    });
    return last!;
  }
  const countOf = (receipt: Erasure, kind: string) => receipt.kinds.find((each) => each.kind === kind)?.erased;

  /** All that is kept anywhere, but for the receipts, the marks of those who were erased, and the audit trail. */
  async function keptTexts(): Promise<string> {
    const keys = (await redis.keys('*')).filter((key) => !/erasure|erased|ended-logins|keys:data|audit/.test(key));
    const inRedis = await Promise.all(keys.map((key) => textOf(redis, key.replace(/[[\]*?\\]/g, '\\$&'))));
    if (env.MONGODB_URL === undefined) return inRedis.join('\n');
    const { db } = openMongoDb(env.MONGODB_URL);
    const names = (await db.listCollections().toArray()).map(({ name }) => name);
    const others = names.filter((name) => !/erasures|keys|audit/i.test(name));
    const documents = await Promise.all(others.map((name) => db.collection(name).find().toArray()));
    return [...inRedis, JSON.stringify(documents)].join('\n');
  }

  test('a user is given everything that is kept of them, in every store, and nothing of others', async () => {
    const eve = await somebodyWithData();
    await answered(bob, `Is ${randomUUID()} kept?`);
    const seen = await readExport({ url: api.url, accessToken: eve.accessToken });
    expect(seen.headers.get('Content-Type')).toBe('application/x-ndjson');
    expect(seen.headers.get('Content-Disposition')).toMatch(/^attachment; filename=healify-chat-[\d-]+\.ndjson$/);
    expect(seen.lines[0]).toMatchObject({ type: 'export', userId: eve.userId });
    expect(seen.end).toMatchObject({ complete: true, missing: [] });
    expect(seen.lines.filter(({ type }) => type === 'kind').map((line) => 'kind' in line && line.kind)).toEqual(
      kindsOfData,
    );
    expect(seen.text).not.toContain(bob.userId);

    // The texts can be read.
    const messages = seen.items('turns').map(({ message }) => message);
    for (const what of ['healthy', 'streamed']) expect(messages).toContain(`Is ${eve.userId} ${what}?`);
    expect(seen.items('turns').filter(({ answer }) => (answer as { response?: string } | null)?.response)).toHaveLength(
      2,
    );
    expect(seen.items('conversations').map(({ title }) => title)).toContain(`Is ${eve.userId} healthy?`);
    expect(seen.items('feedback')).toEqual([expect.objectContaining({ rating: 'up', comment: 'good' })]);
    expect(seen.items('answer_logs')).toEqual([expect.objectContaining({ text: expect.stringMatching(/./) })]);
    expect(seen.items('cached_answers').map(({ answer }) => (answer as { response: string }).response)).toEqual(
      expect.arrayContaining([expect.stringMatching(/./)]),
    );
    const requests = seen.items('jobs').map(({ request }) => (request as { message?: string } | null)?.message);
    expect(requests.some((message) => message?.includes('retried'))).toBe(true);
    expect(seen.items('dead_requests')[0]).toMatchObject({ body: { message: `Is ${eve.userId} unreadable?` } });
    const dead = seen.items('dead_responses').map(({ body }) => (body as { userId: string; response: string }).userId);
    expect(dead).toEqual([eve.userId]);

    expect(seen.items('job_search')).toContainEqual(
      expect.objectContaining({
        requestId: expect.stringMatching(/^[\w-]+$/),
        endedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        status: 'completed',
      }),
    );

    // Secrets are named, and not given.
    expect(seen.items('account')).toEqual([expect.objectContaining({ userId: eve.userId, secrets: ['passwordHash'] })]);
    expect(seen.items('logins')).toEqual([expect.objectContaining({ secrets: ['hash', 'secret'] })]);
    expect(seen.items('data_key')).toEqual([{ secrets: ['key'] }]);
    expect(seen.text).not.toContain('argon2');

    // An erasure finds no more than this: both look into the same places.
    const receipt = await untilErased((await erase(eve)).body.erasureId);
    const given = seen.end!.counts;
    for (const { kind, found } of receipt.kinds) {
      // These grow meanwhile: by each call, by each job that is ended, and if the erasure itself takes more than one round.
      if (['rate_limits', 'job_search', 'places_in_line', 'unfinished_erasures'].includes(kind)) continue;
      expect({ kind, given: given[kind], found }).toEqual({ kind, given: given[kind], found: given[kind] });
    }
  });

  test('a conversation is erased in every store, with a receipt that can be verified; others of its user stay', async () => {
    const fay = await signUp(api.url);
    const text = (what: string) => `Is ${fay.userId} ${what}?`;
    const other = await answered(fay, text('kept'), {}, { 'Idempotency-Key': randomUUID() });
    const { sessionId, requestId } = await answered(fay, text('erased'), {}, { 'Idempotency-Key': randomUUID() });
    await fay.put(`/chat/requests/${requestId}/feedback`, { rating: 'up', comment: 'good' });
    await answered(fay, text('streamed'), { sessionId, stream: true });
    const before = await client.depth('chat_requests.dlq');
    await client.ask({ requestId: randomUUID(), sessionId, userId: fay.userId, unreadable: text('unreadable') });
    await until('it is a dead letter', async () => (await client.depth('chat_requests.dlq')) > before);
    await simulator.behave({ latencyMs: 60_000 });
    await fay.send({ message: text('under way'), sessionId });
    await until('the model is asked', async () => (await simulator.stats()).inFlight === 1);
    expect(await keptTexts()).toContain(sessionId);

    const { status, headers } = await fay.delete(`/chat/session/${sessionId}`);
    expect(status).toBe(204);
    expect((await fay.session(sessionId)).status).toBe(404);
    const location = headers.get('Location')!;
    const receipt = await untilErased(location.replace('/erasures/', ''));
    await simulator.behave({});
    expect(receipt).toMatchObject({ userId: fay.userId, sessionId, requestedBy: 'user', state: 'erased' });
    expect(receipt.kinds.map(({ left }) => left)).toEqual(receipt.kinds.map(() => 0));
    const least = {
      ...{ conversations: 1, turns: 3, feedback: 1, open_turns: 1, jobs: 3, answer_logs: 1, cached_answers: 2 },
      ...{ idempotency_keys: 1, dead_requests: 1 },
    };
    for (const [kind, count] of Object.entries(least)) {
      expect({ kind, count: countOf(receipt, kind) }).toEqual({ kind, count });
    }
    await until('nothing of it is kept', async () => !(await keptTexts()).includes(sessionId));
    expect((await simulator.stats()).inFlight).toBe(0);

    expect((await fay.session(other.sessionId)).body.turns).toHaveLength(1);
    const verified = JSON.parse(
      await startScriptToEnd('src/main/erasures.ts', ['verify', receipt.erasureId, '--json']),
    );
    expect(verified).toEqual({ userId: fay.userId, sessionId, state: 'erased', isClosed: true, left: {} });
    // Somebody else cannot erase it, and leaves no receipt.
    const asked = await bob.delete(`/chat/session/${other.sessionId}`);
    expect({ status: asked.status, location: asked.headers.get('Location') }).toEqual({ status: 404, location: null });
    expect((await fay.session(other.sessionId)).status).toBe(200);
  });

  test('a user erases everything of their own with the password, and gets a receipt; nothing of others is touched', async () => {
    const [ann, kept] = [await somebodyWithData(), await answered(bob, 'Is this kept?')];
    await simulator.behave({ latencyMs: 60_000 });
    const underWay = await ann.send({ message: `Is ${ann.userId} under way?` });
    await until('the model is asked', async () => (await simulator.stats()).inFlight === 1);
    expect(underWay.status).toBe(202);
    expect(await keptTexts()).toContain(ann.userId);

    expect(await erase(ann, { password: 'not the password' })).toMatchObject({
      status: 403,
      body: { code: 'wrong_password' },
    });
    expect(await erase(ann, {})).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    const { status, body, headers } = await erase(ann);
    expect([200, 202]).toContain(status);
    expect(headers.get('Location')).toBe(`/erasures/${body.erasureId}`);
    const receipt = await untilErased(body.erasureId);
    await simulator.behave({});

    expect(await keptTexts()).not.toContain(ann.userId);
    expect(receipt.kinds.map(({ left }) => left)).toEqual(receipt.kinds.map(() => 0));
    expect(receipt.kinds.map(({ kind }) => kind).sort()).toEqual([...kindsOfData].sort());
    const least = {
      ...{ account: 1, logins: 1, idempotency_keys: 1, conversations: 5, turns: 5, feedback: 1, answer_logs: 1 },
      ...{ jobs: 3, job_search: 3, cached_answers: 2, dead_requests: 1, dead_responses: 1, data_key: 1 },
    };
    for (const [kind, count] of Object.entries(least)) {
      expect({ kind, enough: (countOf(receipt, kind) ?? 0) >= count }).toEqual({ kind, enough: true });
    }
    // The user is not let in any more, and the model's work has stopped.
    await until('the token is refused', async () => (await ann.history()).status === 401);
    expect((await simulator.stats()).inFlight).toBe(0);
    expect((await bob.session(kept.sessionId)).body.turns).toHaveLength(1);
  });

  test('a message of an erased user that comes late is ended, is not sent to the provider, and leaves nothing', async () => {
    const cara = await signUp(api.url);
    const { body } = await erase(cara);
    await untilErased(body.erasureId);
    const before = (await simulator.stats()).started;
    const late = { requestId: randomUUID(), sessionId: randomUUID(), userId: cara.userId, message: 'I am late' };
    const replyTo = `reply-${randomUUID()}`;
    await client.channel.assertQueue(replyTo, { exclusive: true });
    await client.send('chat_requests', Buffer.from(JSON.stringify(late)), { replyTo, correlationId: 'c' });
    const answer = JSON.parse((await client.take(replyTo)).content.toString());
    expect(answer).toMatchObject({ requestId: late.requestId, status: 'cancelled', response: null });
    // The same without a reply queue: its answer belongs to nobody, and is not kept as a dead letter.
    const letters = await client.depth('chat_responses.dlq');
    await client.ask({ ...late, requestId: randomUUID() });
    await until('it was refused', async () => (await client.depth('chat_requests')) === 0);
    await until('its answer was dropped', async () => /outcome="unknown".*\} [1-9]/.test(await metricsOf(api)));
    expect(await client.depth('chat_responses.dlq')).toBe(letters);
    expect((await simulator.stats()).started).toBe(before);
    expect(await keptTexts()).not.toContain('I am late');
    // A worker that was quick to look for an earlier answer leaves a lease for some seconds.
    await until('nothing of it is left', async () => !(await keptTexts()).includes(late.requestId));
  });

  test('an admin sees what there is, and erases a user by email', async () => {
    const dan = await somebodyWithData();
    const credentials = await register(api.url);
    await startScriptToEnd('src/main/users.ts', ['grant-admin', '--email', credentials.email]);
    const login = await call(`${api.url}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(credentials),
    });
    const admin = { ...bob, accessToken: (login.body as unknown as TestUser).accessToken };
    const post = (body: object) =>
      call(`${api.url}/admin/accounts/erase`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${admin.accessToken}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    const seen = await post({ userId: dan.userId, dryRun: true });
    expect(seen).toMatchObject({ status: 200, body: { dryRun: true, userId: dan.userId } });
    const { kinds } = seen.body as unknown as { kinds: { kind: string; count: number }[] };
    expect(kinds.find(({ kind }) => kind === 'conversations')?.count).toBeGreaterThanOrEqual(4);
    expect((await dan.history()).status).toBe(200);
    const erased = await post({ userId: dan.userId });
    const receipt = await untilErased((erased.body as unknown as Erasure).erasureId);
    expect(receipt).toMatchObject({ requestedBy: 'admin', userId: dan.userId });
    expect(await keptTexts()).not.toContain(dan.userId);

    const verified = await startScriptToEnd('src/main/erasures.ts', ['verify', receipt.erasureId, '--json']);
    expect(JSON.parse(verified)).toEqual({ userId: dan.userId, state: 'erased', isClosed: true, left: {} });
    // It can see something: of a user who was not erased.
    const seesBob = JSON.parse(await startScriptToEnd('src/main/erasures.ts', ['verify', bob.userId, '--json']));
    expect(seesBob).toMatchObject({ state: null, isClosed: false, left: { account: 1, logins: 1 } });
  });

  async function startScriptToEnd(file: string, args: string[]): Promise<string> {
    const child = await startScript(file, args, { ...env, ...keys });
    await until('the command has ended', () => !child.running);
    return child.output();
  }
}

const metricsOf = async ({ metricsUrl }: TestProcess) => (await fetch(metricsUrl)).text();
