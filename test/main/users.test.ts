import { beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { decodeJwt } from 'jose';
import { createRedisAccountStore } from '../../src/adapters/accounts/redis-account-store.ts';
import type { Erasure } from '../../src/contracts/erasures.ts';
import { KEYS_STORE_KEY } from '../../src/contracts/redis-keys.ts';
import { call, postJson, register, signUp } from '../api-client.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

let env: Record<'REDIS_URL' | 'RABBITMQ_URL', string>;
let api: TestProcess;
beforeAll(async () => {
  env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() };
  api = await startApi({ ...env, RATE_LOGIN_PER_MINUTE: '1000' });
});

async function users(...args: string[]) {
  const script = await startScript('src/main/users.ts', args, env);
  await script.exited;
  return { code: script.exitCode, output: script.output() };
}

test('a command that is missing or unknown is named', async () => {
  expect(await users()).toMatchObject({ code: 2, output: expect.stringContaining('a command is missing') });
  const unknown = await users('rename', '--email', 'ann@example.com');
  expect(unknown).toMatchObject({ code: 2, output: expect.stringContaining('there is no command rename') });
});

test.each([
  [['show', 'ann@example.com'], 'unexpected argument: ann@example.com'],
  [['show', '--email', 'ann@example.com', '--yes'], '--yes does not belong to show'],
  [['disable', '--email', 'ann@example.com', '--dry-run'], '--dry-run does not belong to disable'],
  [['disable', '--email', 'ann@example.com', '--user-id', 'u'], 'either --email or --user-id'],
  [['show', '--user-id', 'nobody'], 'there is no account for nobody'],
  [['list', '--email', 'ann@example.com'], '--email does not belong to list'],
  [['list', '--role', 'boss'], '--role: '],
  [['list', '--second-factor', 'yes'], '--second-factor: with or without'],
  [['list', '--limit', 'many'], '--limit: '],
])('%j is not understood, which changes nothing and ends with 2', async (args, message) => {
  expect(await users(...args)).toMatchObject({ code: 2, output: expect.stringContaining(message) });
});

test('help is printed for every way to ask for it', async () => {
  for (const args of [['--help'], ['-h'], ['list', '--help']]) {
    expect(await users(...args)).toMatchObject({ code: 0, output: expect.stringContaining('npm run users -- list') });
  }
});

test('list prints accounts page by page, narrowed by what the page of the operators has as well', async () => {
  const part = `${Date.now()}-list.example.com`;
  for (const name of ['b', 'a', 'c']) {
    await postJson(`${api.url}/auth/register`, { email: `${name}@${part}`, password: 'three-brown-otters' });
  }
  const first = await users('list', '--search', part.toUpperCase(), '--limit', '2');
  expect(first.code).toBe(0);
  expect(first.output).toMatch(/email +role +state +second factor +last login +user id/);
  expect(first.output).toMatch(new RegExp(`a@${part} +user +enabled +without +- +[\\w-]{36}\n +b@${part}`));
  const [, cursor] = /there are more: --cursor (\S+)/.exec(first.output)!;
  const second = await users('list', '--search', part, '--cursor', cursor!, '--json');
  expect(JSON.parse(second.output)).toMatchObject({ accounts: [{ email: `c@${part}` }], nextCursor: null });
  await users('disable', '--email', `b@${part}`);
  const disabled = await users('list', '--search', part, '--state', 'disabled', '--second-factor', 'without');
  expect(disabled.output).toMatch(new RegExp(`b@${part} +user +disabled`));
  expect(disabled.output).not.toContain(`a@${part}`);
  expect(await users('list', '--search', part, '--role', 'admin')).toEqual({ code: 0, output: 'no account matches\n' });
});

test('erase counts first, erases only if it is told so, and prints the receipt', async () => {
  const ann = await signUp(api.url);
  const dry = await users('erase', '--user-id', ann.userId, '--dry-run');
  expect(dry).toMatchObject({ code: 0, output: expect.stringMatching(/^ *1 +account /m) });
  const unsure = await users('erase', '--user-id', ann.userId);
  expect(unsure).toMatchObject({ code: 2, output: expect.stringContaining('--yes is missing') });
  expect((await ann.history()).status).toBe(200);

  const erased = await users('erase', '--user-id', ann.userId, '--yes');
  expect(erased.code).toBe(0);
  const receipt = JSON.parse(erased.output) as Erasure;
  expect(receipt).toMatchObject({ userId: ann.userId, requestedBy: 'operator', state: 'erased' });
  expect(receipt.kinds.find(({ kind }) => kind === 'account')).toMatchObject({ found: 1, erased: 1, left: 0 });
  expect((await call(`${api.url}/erasures/${receipt.erasureId}`)).body).toEqual(receipt);
  await until('the token is refused', async () => (await ann.history()).status === 401);
});

test('erase finds an account by its email, and says if there is none', async () => {
  const credentials = await register(api.url);
  expect(await users('erase', '--email', credentials.email.toUpperCase(), '--yes')).toMatchObject({ code: 0 });
  expect((await postJson(`${api.url}/auth/login`, credentials)).status).toBe(401);
  const again = await users('erase', '--email', credentials.email, '--yes');
  expect(again).toMatchObject({ code: 2, output: expect.stringContaining('there is no account') });
  const both = await users('erase', '--email', credentials.email, '--user-id', 'u', '--yes');
  expect(both).toMatchObject({ code: 2, output: expect.stringContaining('either --email or --user-id') });
});

test('without the server that has the rest, nothing is erased, and no receipt says so', async () => {
  const redis = new Redis(env.REDIS_URL);
  await redis.set(KEYS_STORE_KEY, 'mongodb');
  const refused = await users('erase', '--user-id', 'somebody', '--yes');
  await redis.del(KEYS_STORE_KEY);
  redis.disconnect();
  expect(refused).toMatchObject({ code: 2, output: expect.stringContaining('set MONGODB_URL') });
  expect(refused.output).not.toContain('erasureId');
});

test('set-tenant says to which organisation a user belongs, and tokens have it from the next login on', async () => {
  const credentials = await register(api.url);
  const tenantNow = async () => {
    const { body } = await postJson(`${api.url}/auth/login`, credentials);
    return decodeJwt((body as unknown as { accessToken: string }).accessToken).tenant;
  };
  expect(await tenantNow()).toBeUndefined();
  const set = await users('set-tenant', '--email', credentials.email, '--tenant', 'north');
  expect(set).toMatchObject({ code: 0, output: expect.stringContaining('of north') });
  expect(await tenantNow()).toBe('north');
  const taken = await users('set-tenant', '--email', credentials.email);
  expect(taken.code).toBe(0);
  expect(taken.output).not.toContain('of north');
  expect(await tenantNow()).toBeUndefined();
  const wrong = await users('set-tenant', '--email', credentials.email, '--tenant', 'x'.repeat(5_000));
  expect(wrong).toMatchObject({ code: 2, output: expect.stringContaining('must be the id of an organisation') });
});

test('what an identity provider says is an email cannot do anything to a terminal', async () => {
  const redis = new Redis(env.REDIS_URL);
  const account = {
    ...{ userId: 'odd-email', email: 'oidc:odd', role: 'user' as const, createdAt: new Date().toISOString() },
    provider: { confirmedAt: new Date().toISOString(), email: '\u001b[2Jann@example.com' },
  };
  await createRedisAccountStore({ redis }).create(account);
  redis.disconnect();
  const { code, output } = await users('show', '--user-id', 'odd-email');
  expect([code, output.includes('\u001b')]).toEqual([0, false]);
  expect(output).toContain('\\x1b[2Jann@example.com');
});
