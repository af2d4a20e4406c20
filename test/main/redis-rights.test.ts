import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { inShell, type RedisProcess, redisRights, rulesOf } from '../../src/contracts/redis-rights.ts';
import { freePort } from '../../tools/services/free-port.ts';
import type { Service } from '../../tools/services/service.ts';
import { call, signUp } from '../api-client.ts';
import { startApi, startScript, startWorker } from '../processes.ts';
import { privateRedis, testRabbitMqUrl } from '../services.ts';
import { MESSAGE_SIGNING_KEY } from '../signing.ts';
import { startSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const PASSWORD = 'a-password';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let server: Service;
let admin: Redis;
beforeEach(async () => {
  server = await privateRedis();
  admin = new Redis(server.url);
  cleanups.push(
    () => server.stop(),
    () => admin.disconnect(),
  );
});

/** The URL of a user with the least rights of a process, and with what is given or taken beside them. */
async function urlWith(name: RedisProcess, ...more: string[]): Promise<string> {
  await admin.call('ACL', 'SETUSER', name, 'on', `>${PASSWORD}`, ...rulesOf(name), ...more);
  const url = new URL(server.url);
  url.username = name;
  url.password = PASSWORD;
  return url.href;
}

async function refusals(): Promise<string[]> {
  const log = (await admin.call('ACL', 'LOG', '1000')) as string[][];
  return log.map((entry) => entry.slice(0, 12).join(' '));
}

test('the whole product runs with exactly the documented rights', async () => {
  const simulator = await startSimulator();
  cleanups.push(() => simulator.stop());
  const RABBITMQ_URL = await testRabbitMqUrl();
  const apiUrl = await urlWith('api');
  const api = await startApi({ RABBITMQ_URL, REDIS_URL: apiUrl, LOG_LEVEL: 'debug' });
  const worker = await startWorker({
    RABBITMQ_URL,
    REDIS_URL: await urlWith('worker'),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    RETRY_BASE: '10ms',
    LOG_LEVEL: 'debug',
  });

  const users = await startScript(
    'src/main/users.ts',
    ['add', '--email', 'admin@example.com', '--password-env', 'SECRET', '--role', 'operator'],
    { REDIS_URL: apiUrl, SECRET: 'three-brown-otters' },
  );
  await users.exited;
  const user = await signUp(api.url);
  const key = { 'Idempotency-Key': randomUUID() };
  const answered = await user.send({ message: 'Is this little enough?' }, { Prefer: 'wait=20', ...key });
  expect(answered.body).toMatchObject({ status: 'completed' });
  expect((await user.send({ message: 'Is this little enough?' }, key)).status).toBeLessThan(300);
  const sessionId = answered.body.sessionId;
  await user.send({ message: 'And this? [[simulate status=500 times=2]]', sessionId }, { Prefer: 'wait=20' });
  expect((await user.session(sessionId)).body.turns).toHaveLength(2);
  expect((await user.history()).body.items).toHaveLength(2);

  await simulator.behave({ latencyMs: 60_000 });
  const slow = await user.send({ message: 'Too slow?' });
  await until('it is asked', async () => (await simulator.stats()).inFlight === 1);
  // While it is in hand its lock is renewed.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect((await user.post(`/chat/session/${slow.body.sessionId}/cancel`)).status).toBeLessThan(300);
  await until(
    'it is cancelled',
    async () => (await user.session(slow.body.sessionId)).body.turns[0]?.status === 'cancelled',
  );
  await simulator.behave({ latencyMs: 1 });
  expect((await user.delete(`/chat/session/${sessionId}`)).status).toBe(204);

  const failed = await user.send({ message: 'Will it fail? [[simulate status=400 times=1]]' }, { Prefer: 'wait=20' });
  expect(failed.body.status).toBe('failed');
  const { cookie } = await adminLogin(api.url);
  for (const page of [
    'queues/api/queues?activeQueue=chat&status=failed&page=1&jobsPerPage=10',
    'gates',
    'dead-letters/chat_requests',
  ]) {
    const { status } = await call(`${api.url}/admin/${page}`, { headers: { Cookie: cookie } });
    expect([page, status]).toEqual([page, 200]);
  }
  const retried = await call(`${api.url}/admin/queues/api/queues/chat/r-${failed.body.requestId}/retry`, {
    method: 'PUT',
    headers: { Cookie: cookie, Origin: api.url },
  });
  expect(retried.status).toBeLessThan(300);
  await until(
    'it is answered',
    async () => (await user.session(failed.body.sessionId)).body.turns[0]?.status === 'completed',
  );
  await call(`${api.url}/auth/logout`, { method: 'POST' });

  // Bull Board would list the workers. It works without that.
  expect((await refusals()).filter((refusal) => !refusal.includes('client|list'))).toEqual([]);
  for (const { output } of [api, worker]) expect(output()).not.toMatch(/NOPERM|lacks rights/);
}, 180_000);

async function adminLogin(url: string): Promise<{ cookie: string }> {
  const response = await fetch(`${url}/admin/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: url },
    body: new URLSearchParams({ email: 'admin@example.com', password: 'three-brown-otters' }),
  });
  return {
    cookie: response.headers
      .getSetCookie()
      .map((each) => each.split(';', 1)[0])
      .join('; '),
  };
}

/** What an attacker who has one of our processes would like to do. Each is refused, whatever it is tried on. */
const NOBODYS = [
  'KEYS *',
  'FLUSHALL',
  'CONFIG GET dir',
  'ACL LIST',
  'MONITOR',
  'SAVE',
  'CLIENT KILL TYPE normal',
  'SCRIPT FLUSH',
  'FUNCTION LIST',
  'REPLICAOF 192.0.2.1 6379',
  'DUMP ai:a',
  'GET another:key',
  'SUBSCRIBE another:channel',
];
/** What only an api may do. */
const OF_APIS = [
  'GET chat:session:a',
  'LRANGE {chat:session:a}:turns 0 -1',
  'GET auth:a',
  'DEL auth:a',
  'XRANGE audit:trail - +',
  'XADD audit:trail * a b',
  'GET rate:a',
  'SCAN 0',
  'SUBSCRIBE a:0:auth:a',
];

test.each([
  ['api', NOBODYS],
  ['worker', [...NOBODYS, ...OF_APIS]],
] as const)('Redis refuses an %s what it has no need of', async (name, commands) => {
  const redis = new Redis(await urlWith(name));
  cleanups.push(() => redis.disconnect());
  const saidTo = async (line: string) => {
    const [command = '', ...args] = line.split(' ');
    return redis.call(command, ...args).then(
      () => 'done',
      (error: Error) => error.message,
    );
  };
  expect(await saidTo('GET ai:a')).toBe('done');
  for (const command of commands)
    expect([command, await saidTo(command)]).toEqual([command, expect.stringMatching(/^NOPERM/)]);
  // A script may do no more than whoever runs it.
  const inScript = `return redis.call('${name === 'worker' ? "GET', 'auth:a" : "GET', 'another:key"}')`;
  expect(await redis.eval(inScript, 0).catch((error: Error) => error.message)).toMatch(
    /can't access|NOPERM|No permissions/i,
  );
});

test.each([
  ['api', '-zadd', '+zadd'],
  ['worker', '-evalsha', '+evalsha'],
  ['worker', 'resetchannels', "'&*:chat:*' '&*:ai:*'"],
  ['api', 'resetkeys', "'~chat:*'"],
  ['worker', '-multi', '+multi'],
] as const)(
  'the %s whose user has a rule %s names what it lacks at start, with the command that grants it',
  async (name, rule, grant) => {
    const child = await startScript(`src/main/${name}.ts`, [], {
      HOST: '127.0.0.1',
      RABBITMQ_URL: await testRabbitMqUrl(),
      REDIS_URL: await urlWith(name, rule),
      MODEL_SIMULATOR_URL: 'http://127.0.0.1:9',
      MESSAGE_SIGNING_KEY,
      [`${name.toUpperCase()}_PORT`]: String(await freePort()),
      [`${name.toUpperCase()}_METRICS_PORT`]: String(await freePort()),
    });
    const line = await until('it says so', () =>
      child
        .output()
        .split('\n')
        .find((text) => text.includes('lacks rights')),
    );
    expect(JSON.parse(line).msg).toContain(`redis-cli ACL SETUSER ${name} `);
    expect(JSON.parse(line).msg).toContain(grant);
    expect(child.running).toBe(true);
    await child.stop();
  },
);

test('the documentation has these rights', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
  for (const name of Object.keys(redisRights) as RedisProcess[])
    expect(text).toContain(rulesOf(name).map(inShell).join(' '));
});
