import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Erasure } from '../../src/contracts/erasures.ts';
import { call, type TestUser, userWith } from '../api-client.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { readExport } from '../read-export.ts';
import { newMasterKey } from '../seals.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { goodClaims, seconds, signToken } from '../sign-token.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
let provider: Server;
let simulator: TestSimulator;
let api: TestProcess;
let redis: Redis;

beforeAll(async () => {
  const jwk = { ...createPublicKey(privateKey).export({ format: 'jwk' }), kid: 'k', use: 'sig' };
  provider = createServer((_, res) => {
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  simulator = await startSimulator();
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    ENCRYPTION_KEYS: newMasterKey(),
    RATE_READ_PER_MINUTE: '100000',
  };
  redis = new Redis(env.REDIS_URL);
  [api] = await Promise.all([
    startApi({
      ...env,
      JWT_JWKS_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks.json`,
      JWT_TENANT_CLAIM: 'organisation.id',
    }),
    startWorker({ ...env, CACHE_SCOPE: 'tenant', MODEL_SIMULATOR_URL: simulator.baseUrl }),
  ]);
});
afterAll(async () => {
  redis?.disconnect();
  provider?.close();
  await simulator?.stop();
});
beforeEach(() => simulator.reset());

/** Somebody new whose token says this of their organisation. */
function member(organisation: unknown): TestUser {
  const sub = randomUUID();
  const payload = goodClaims({ sub, iat: seconds(), exp: seconds() + 300, organisation });
  return userWith(api.url, sub, signToken({ header: { alg: 'RS256', typ: 'JWT', kid: 'k' }, payload }, privateKey));
}
const ofNorth = () => member({ id: 'north' });
const newQuestion = () => `Is ${randomUUID()} healthy?`;
const calls = async () => (await simulator.stats()).started;

async function ask(user: TestUser, message: string) {
  const { status, body } = await user.send({ message }, { Prefer: 'wait=20' });
  expect({ status, state: body.status }).toEqual({ status: 200, state: 'completed' });
  return body;
}

async function eraseWhole(user: TestUser): Promise<Erasure> {
  const begun = (await user.delete('/account', { confirm: user.userId })).body as unknown as Erasure;
  return await until('the user is erased', async () => {
    const now = (await call(`${api.url}/erasures/${begun.erasureId}`)).body as unknown as Erasure;
    return now.state === 'erased' && now;
  });
}

test('an answer saves a call for those whose tokens name the same organisation, and for nobody else', async () => {
  const message = newQuestion();
  const given = await ask(ofNorth(), message);
  expect((await ask(ofNorth(), message)).response).toBe(given.response);
  expect(await calls()).toBe(1);
  // Of another organisation, of none, and of one whose claim is no id.
  for (const organisation of [{ id: 'south' }, undefined, {}, { id: 7 }, { id: '' }, 'north', { id: ['north'] }]) {
    const before = await calls();
    await ask(member(organisation), message);
    expect({ organisation, asked: (await calls()) - before }).toEqual({ organisation, asked: 1 });
  }
});

test('an export says that an answer is kept for others, too, and an erasure reaches it', async () => {
  const message = newQuestion();
  const [ann, bob] = [ofNorth(), ofNorth()];
  await ask(ann, message);
  const seen = await readExport({ url: api.url, accessToken: ann.accessToken });
  expect(
    seen
      .items('cached_answers')
      .map(({ sharedWithOthers }) => sharedWithOthers)
      .sort(),
  ).toEqual([false, true]);
  const keptBefore = await redis.keys('{ai:answer:*');
  const receipt = await eraseWhole(ann);
  expect(receipt.kinds.find(({ kind }) => kind === 'cached_answers')).toMatchObject({ found: 2, erased: 2, left: 0 });
  expect(await redis.keys('{ai:answer:*')).toHaveLength(keptBefore.length - 2);
  await ask(bob, message);
  expect(await calls()).toBe(2);
});

test('who erases a conversation takes the answer from the others, also if another one has asked first', async () => {
  const message = newQuestion();
  const [ann, bob, kim] = [ofNorth(), ofNorth(), ofNorth()];
  await ask(ann, message);
  const { sessionId } = await ask(bob, message);
  expect(await calls()).toBe(1);
  expect((await bob.delete(`/chat/session/${sessionId}`)).status).toBe(204);
  await ask(kim, message);
  expect(await calls()).toBe(2);
});
