import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AuditEntry } from '../../src/adapters/audit/audit-store.ts';
import { createRedisAuditStore } from '../../src/adapters/audit/redis-audit-store.ts';
import { memberOf } from '../../src/adapters/conversations/history-index.ts';
import { openDeadLetters } from '../../src/adapters/rabbitmq/dead-letter-queue.ts';
import { redisKeys } from '../../src/contracts/redis-keys.ts';
import { postJson, register, signUp } from '../api-client.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { readExport } from '../read-export.ts';
import { privateRedis, testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { goodClaims, seconds, signToken } from '../sign-token.ts';
import { until } from '../until.ts';

const JWT_SECRET = 'a secret of at least thirty-two bytes';
let env: Record<'REDIS_URL' | 'RABBITMQ_URL' | 'JWT_SECRET', string>;
let api: TestProcess;
let redis: Redis;
beforeAll(async () => {
  const rates = { RATE_LOGIN_PER_MINUTE: '100000', RATE_EXPORT_PER_MINUTE: '3' };
  env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl(), JWT_SECRET, ...rates };
  redis = new Redis(env.REDIS_URL);
  api = await startApi(env);
});
afterAll(() => redis.quit());

const exportWith = (accessToken: string, url = api.url) => readExport({ url, accessToken });
const tokenOf = (claims: object) =>
  signToken({ header: { alg: 'HS256', typ: 'JWT' }, payload: goodClaims({ iat: seconds(), ...claims }) }, JWT_SECRET);
const codeOf = ({ text }: { text: string }) => (JSON.parse(text) as { code: string }).code;

async function auditedExports(userId: string): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for await (const { text } of createRedisAuditStore({ redis }).read(1)) {
    const entry = JSON.parse(text) as AuditEntry;
    if (entry.action === 'account.export' && entry.subject?.id === userId) found.push(entry);
  }
  return found;
}

test('a token of an old login does not get everything, although it was just refreshed; another login does', async () => {
  const credentials = await register(api.url);
  const login = async () => (await postJson(`${api.url}/auth/login`, credentials)).body as unknown as Tokens;
  const { userId, refreshToken } = await login();
  await redis.hset(`auth:refresh:${refreshToken.split('.')[0]}`, 'startedAt', Date.now() - 11 * 60_000);
  const refreshed = await postJson(`${api.url}/auth/refresh`, { refreshToken });
  const refused = await exportWith((refreshed.body as unknown as Tokens).accessToken);
  expect({ status: refused.status, code: codeOf(refused) }).toEqual({ status: 403, code: 'login_too_old' });
  const given = await exportWith((await login()).accessToken);
  expect(given.end).toMatchObject({ complete: true, counts: { account: 1, logins: 2 } });
  expect(given.items('account')).toEqual([expect.objectContaining({ email: credentials.email })]);

  // The audit trail has both, and the second with how much was given.
  await until('both are recorded', async () => (await auditedExports(userId)).length === 4);
  expect((await auditedExports(userId)).map(({ outcome, details }) => [outcome, details?.code])).toEqual([
    ['begun', undefined],
    ['refused', 'login_too_old'],
    ['begun', undefined],
    ['done', undefined],
  ]);
});

test('a user of an identity provider gets everything with a token of a login that is minutes old', async () => {
  const sub = randomUUID();
  expect(codeOf(await exportWith(tokenOf({ sub, auth_time: seconds() - 700 })))).toBe('login_too_old');
  const given = await exportWith(tokenOf({ sub, iat: seconds() - 700, auth_time: seconds() - 60 }));
  expect(given.lines[0]).toMatchObject({ type: 'export', userId: sub });
  expect(given.end).toMatchObject({ complete: true, counts: { account: 0, turns: 0 } });
});

test('whoever exports too often must wait', async () => {
  const { accessToken } = await signUp(api.url);
  for (let i = 0; i < 3; i++) expect((await exportWith(accessToken)).status).toBe(200);
  const refused = await exportWith(accessToken);
  expect({ status: refused.status, code: codeOf(refused) }).toEqual({ status: 429, code: 'rate_limited' });
});

test('what cannot be read is named in the last line, and the rest is given', async () => {
  const { accessToken, userId } = await signUp(api.url);
  const letters = await openDeadLetters({ url: env.RABBITMQ_URL, tls: {}, queue: 'chat_requests', onLetter: () => {} });
  const given = await exportWith(accessToken);
  await letters.close();
  expect(given.status).toBe(200);
  expect(given.end).toMatchObject({
    complete: false,
    missing: [{ kind: 'dead_requests', code: 'dead_letters_in_use' }],
    counts: { account: 1 },
  });
  await until('it is recorded', async () => (await auditedExports(userId)).length === 2);
  expect((await auditedExports(userId))[1]).toMatchObject({
    outcome: 'failed',
    details: { code: 'dead_letters_in_use' },
  });
});

test('while Redis is away, nothing is begun', async () => {
  const own = await privateRedis();
  const other = await startApi({ ...env, REDIS_URL: own.url });
  const { accessToken } = await signUp(other.url);
  await own.stop();
  expect(await exportWith(accessToken, other.url)).toMatchObject({ status: 503 });
});

test('a question that was never confirmed is given as well, and said to be hidden', async () => {
  const { accessToken, userId } = await signUp(api.url);
  const [sessionId, requestId, createdAt] = [randomUUID(), randomUUID(), new Date().toISOString()];
  const head = { sessionId, userId, title: 'A title', createdAt, updatedAt: createdAt, status: 'accepting' };
  await redis.set(redisKeys.session(sessionId), JSON.stringify(head));
  const question = `0 ${JSON.stringify({ message: 'Is anybody there?', createdAt })}`;
  await redis.hset(redisKeys.turns(sessionId), `${requestId}:q`, question, `${requestId}:s`, 'accepting');
  await redis.zadd(redisKeys.history(userId), Date.now(), memberOf({ sessionId, requestId }));
  const given = await exportWith(accessToken);
  expect(given.items('turns')).toEqual([
    expect.objectContaining({ requestId, message: 'Is anybody there?', answer: null, visible: false }),
  ]);
  expect(given.items('conversations')).toEqual([expect.objectContaining({ title: 'A title', visible: false })]);
});

interface Tokens {
  userId: string;
  accessToken: string;
  refreshToken: string;
}
