import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Erasure } from '../../src/contracts/erasures.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../src/contracts/queues.ts';
import type { retention } from '../../src/contracts/retention.ts';
import { call, postJson, type TestUser, userWith } from '../api-client.ts';
import { decisionsOn } from '../decided-keys.ts';
import { type MailServer, startMailServer } from '../mail-server.ts';
import { openMongoDb } from '../mongodb-connection.ts';
import { startApi, startScript, startWorker, type TestProcess } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { readExport } from '../read-export.ts';
import { textOf } from '../redis-text.ts';
import { newMasterKey } from '../seals.ts';
import { managementApi } from '../services/management-api.ts';
import { askForRabbitMq } from '../services/server-desk.ts';
import { privateRedis, testMongoDbUrl, testRabbitMqUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';
import { withMongoDb } from '../with-mongodb.ts';

const PASSWORD = 'three-brown-otters';

/** What was decided about each collection of MongoDB, as test/decided-keys.ts has it for Redis. */
const COLLECTIONS: Record<string, { kept: (keyof typeof retention)[]; names?: string }> = {
  conversations: { kept: ['conversations', 'turns', 'feedback'] },
  accounts: { kept: ['account'] },
  refreshFamilies: { kept: ['logins'] },
  erasures: { kept: ['erasure_receipts'], names: 'it is the receipt' },
  keys: { kept: ['data_key'], names: 'the key was destroyed, and no other one is made' },
  audit_trail: { kept: ['audit_trail'], names: 'it is the audit trail' },
};
const QUEUES = [REQUESTS_QUEUE, RESPONSES_QUEUE, `${REQUESTS_QUEUE}.dlq`, `${RESPONSES_QUEUE}.dlq`];

describe('with everything in Redis', () => describeKept(async () => ({})));
withMongoDb('with MongoDB', () => describeKept(async () => ({ MONGODB_URL: await testMongoDbUrl() })));

/** Uses whatever keeps something, and looks at what is kept. */
function describeKept(makeEnv: () => Promise<{ MONGODB_URL?: string }>): void {
  let env: { RABBITMQ_URL: string; REDIS_URL: string; MONGODB_URL?: string } & Record<string, string>;
  let simulator: TestSimulator;
  let mailServer: MailServer;
  let api: TestProcess;
  let client: QueueClient;
  let redis: Redis;
  let listener: Redis;
  /** Every key that was ever written. */
  const written = new Set<string>();
  const ended: (() => unknown)[] = [];

  beforeAll(async () => {
    const own = await privateRedis();
    ended.push(own.stop);
    [redis, listener] = [new Redis(own.url), new Redis(own.url)];
    await redis.config('SET', 'notify-keyspace-events', 'KA');
    listener.on('pmessage', (_pattern, channel: string) => written.add(channel.slice(channel.indexOf(':') + 1)));
    await listener.psubscribe('__keyspace@*__:*');
    mailServer = await startMailServer();
    simulator = await startSimulator();
    env = {
      ...{ RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: own.url, ...(await makeEnv()) },
      ...{ ENCRYPTION_KEYS: newMasterKey(), JWT_SECRET: 'a secret of at least thirty-two bytes' },
      ...{ RATE_LOGIN_PER_MINUTE: '100000', RATE_READ_PER_MINUTE: '1000000', CACHE_SCOPE: 'tenant' },
      ...{ PUBLIC_URL: 'https://chat.example.com', VERIFIED_MAIL: 'required', ...mailServer.settings },
      // So that every last answer is kept, too.
      PLAIN_TEXTS_FOR_OTHERS: 'true',
    } as typeof env;
    const settings = { MODEL_SIMULATOR_URL: simulator.baseUrl, RETRY_BASE: '1h', RETRY_MAX: '1h' };
    [api] = await Promise.all([startApi(env), startWorker({ ...env, ...settings })]);
    client = await startQueueClient(env.RABBITMQ_URL);
  });
  afterAll(async () => {
    listener?.disconnect();
    redis?.disconnect();
    await Promise.all([simulator?.stop(), mailServer?.close(), ...ended.map((end) => end())]);
  });

  const users = async (...args: string[]) => {
    const script = await startScript('src/main/users.ts', args, { ...env, PASSWORD });
    await script.exited;
    expect({ code: script.exitCode, output: script.output() }).toMatchObject({ code: 0 });
    return script.output();
  };
  async function logIn(email: string): Promise<TestUser & { refreshToken: string }> {
    const { body } = await postJson(`${api.url}/auth/login`, { email, password: PASSWORD });
    const { userId, accessToken, refreshToken } = body as unknown as Record<string, string>;
    return { ...userWith(api.url, userId!, accessToken!), refreshToken: refreshToken! };
  }
  async function staff(role: string): Promise<TestUser> {
    const email = `${role}@example.com`;
    await users('add', '--email', email, '--password-env', 'PASSWORD', '--role', role);
    return await logIn(email);
  }
  const isNow = (user: TestUser, sessionId: string, status: string) =>
    until(`a question is ${status}`, async () => (await user.session(sessionId)).body.turns.at(-1)?.status === status);
  const ok = ({ status }: { status: number }) => expect([200, 201, 202, 204]).toContain(status);

  /** Somebody who does everything that a user can do. Returns all ids by which something could be found. */
  async function useEverything(email: string): Promise<{ user: TestUser; ids: string[] }> {
    const ids = [email];
    await users('invite');
    ok(await postJson(`${api.url}/auth/register`, { email, password: PASSWORD }));
    await postJson(`${api.url}/auth/login`, { email, password: 'not the password' });
    ok(await postJson(`${api.url}/auth/email/verify`, { token: await mailServer.tokenFor(email) }));
    await postJson(`${api.url}/auth/password/forgotten`, { email });
    await users('set-tenant', '--email', email, '--tenant', 'north');
    const user = await logIn(email);
    ids.push(user.userId);
    ok(await postJson(`${api.url}/auth/refresh`, { refreshToken: (await logIn(email)).refreshToken }));
    ok(await postJson(`${api.url}/auth/logout`, { refreshToken: (await logIn(email)).refreshToken }));
    ok(await user.post('/chat/tickets'));

    const text = (what: string) => `Is ${randomUUID()} ${what}?`;
    const asked = async (message: string, more: object = {}, headers: Record<string, string> = {}) => {
      const { body } = await user.send({ message, ...more }, headers);
      ids.push(body.sessionId, body.requestId);
      return body;
    };
    const waiting = { Prefer: 'wait=20' };
    const first = await asked(text('kept'), {}, { ...waiting, 'Idempotency-Key': randomUUID() });
    ok(await user.put(`/chat/requests/${first.requestId}/feedback`, { rating: 'up', comment: 'good' }));
    ok(await user.patch(`/chat/session/${first.sessionId}`, { title: 'Another title' }));
    await asked(text('streamed'), { stream: true }, waiting);
    await asked(text('in no hurry'), { priority: 'batch' }, waiting);
    await simulator.behave({ latencyMs: 1_500 });
    const same = text('asked twice');
    await Promise.all([asked(same, {}, waiting), asked(same, {}, waiting)]);
    await simulator.behave({ latencyMs: 60_000 });
    const cancelled = await asked(text('cancelled'));
    await until('the model is asked', async () => (await simulator.stats()).inFlight > 0);
    ok(await user.post(`/chat/requests/${cancelled.requestId}/cancel`));
    await isNow(user, cancelled.sessionId, 'cancelled');
    await simulator.behave({});
    await isNow(user, (await asked(`${text('failed')} [[simulate status=400]]`)).sessionId, 'failed');
    await isNow(user, (await asked(`${text('retried')} [[simulate status=500]]`)).sessionId, 'retrying');

    // Other services ask as well, in a conversation that we do not have, and what cannot be read.
    const others = { requestId: randomUUID(), sessionId: randomUUID(), userId: user.userId };
    ids.push(others.requestId, others.sessionId);
    await client.ask({ ...others, message: text('asked elsewhere') }, { ...others, requestId: randomUUID(), odd: 1 });
    for (const queue of QUEUES.slice(2)) await until('a dead letter', async () => (await client.depth(queue)) > 0);
    const erased = await asked(text('erased'), {}, waiting);
    ok(await user.delete(`/chat/session/${erased.sessionId}`));
    expect((await readExport({ url: api.url, accessToken: user.accessToken })).end).toMatchObject({ complete: true });
    return { user, ids };
  }

  /** What those do who run it. */
  async function operate(): Promise<void> {
    const [operator, admin] = [await staff('operator'), await staff('admin')];
    const form = new URLSearchParams({ email: 'admin@example.com', password: PASSWORD });
    await fetch(`${api.url}/admin/login`, { method: 'POST', body: form, redirect: 'manual' });
    ok(await admin.post('/admin/texts/access', { reason: 'Somebody is in danger, case 4711.' }));
    ok(await operator.post('/admin/retry-runs', { code: 'model_rejected', rate: 1 }));
    const { gates } = (await admin.get('/admin/gates')).body as unknown as { gates: { gate: string }[] };
    for (const { gate } of gates) ok(await admin.post('/admin/gates/shut', { gate, for: '30s' }));
    for (const { gate } of gates) ok(await admin.post('/admin/gates/open', { gate }));
    ok(await admin.post('/admin/intake/pause'));
    ok(await admin.post('/admin/intake/resume'));
    ok(await admin.post('/admin/accounts/invite'));
    for (const path of ['overview', 'failures', 'processes', 'retention', `dead-letters/${REQUESTS_QUEUE}`]) {
      ok(await operator.get(`/admin/${path}`));
    }
    await fetch(api.metricsUrl);
  }

  test('about everything that is kept somebody has decided what it is, and who is erased is named only where that was decided', async () => {
    const { user, ids } = await useEverything(`${randomUUID()}@example.com`);
    await operate();
    const isUndecided = (key: string) => decisionsOn(key).length !== 1;
    expect([...written].filter(isUndecided)).toEqual([]);
    // The notices have come.
    for (const kind of [
      /^rate:/,
      /^ai:response:/,
      /:awaiting$/,
      /^auth:email-proof:/,
      /^auth:reset:/,
      /^auth:ticket:/,
    ]) {
      expect({ kind, written: [...written].some((key) => kind.test(key)) }).toEqual({ kind, written: true });
    }
    const vhost = encodeURIComponent(new URL(env.RABBITMQ_URL).pathname.slice(1));
    const listed = await managementApi((await askForRabbitMq()).managementUrl).get(`queues/${vhost}`);
    expect((listed as { name: string }[]).map(({ name }) => name).sort()).toEqual([...QUEUES].sort());

    const begun = (await user.delete('/account', { password: PASSWORD })).body as unknown as Erasure;
    await until(
      'the user is erased',
      async () =>
        ((await call(`${api.url}/erasures/${begun.erasureId}`)).body as unknown as Erasure).state === 'erased',
      60_000,
    );
    const namesSomebody = (kept: string) => ids.filter((id) => kept.includes(id));
    const left = [];
    for (const key of await redis.keys('*')) {
      const [decision] = decisionsOn(key);
      if (decision?.names !== undefined) continue;
      const found = namesSomebody(await textOf(redis, key.replace(/[[\]*?\\]/g, '\\$&')));
      if (found.length > 0) left.push({ key, found });
    }
    expect(left).toEqual([]);
    expect([...written].filter(isUndecided)).toEqual([]);

    if (env.MONGODB_URL === undefined) return;
    const { db } = openMongoDb(env.MONGODB_URL);
    for (const { name } of await db.listCollections().toArray()) {
      expect(Object.keys(COLLECTIONS)).toContain(name);
      if (COLLECTIONS[name]!.names !== undefined) continue;
      const found = namesSomebody(JSON.stringify(await db.collection(name).find().toArray()));
      expect({ name, found }).toEqual({ name, found: [] });
    }
  });
}
