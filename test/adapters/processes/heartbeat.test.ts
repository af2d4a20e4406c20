import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import pino from 'pino';
import { createHeartbeat } from '../../../src/adapters/processes/heartbeat.ts';
import { listProcesses } from '../../../src/adapters/processes/list-processes.ts';
import { beat } from '../../../src/adapters/processes/redis-scripts/beat.ts';
import { PROCESSES_KEY } from '../../../src/contracts/redis-keys.ts';
import { privateRedis, testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

let redis: Redis;
beforeEach(async () => {
  redis = new Redis(await testRedisUrl());
});
afterEach(() => redis.disconnect());

const open = (role: 'api' | 'worker') => {
  const about = { id: randomUUID(), role, version: '1.2.3', settings: '0123abcd' };
  return { ...about, heartbeat: createHeartbeat({ redis, process: about, logger: pino({ level: 'silent' }) }) };
};
/** As if the last heartbeat of a process had been so long ago. */
const silence = async (id: string, ms: number) => {
  const [at, ...json] = (await redis.hget(PROCESSES_KEY, id))!.split(' ');
  await redis.hset(PROCESSES_KEY, id, `${Number(at) - ms} ${json.join(' ')}`);
};

test('processes that beat are listed by role, and those that have stopped are not', async () => {
  const [worker, api] = [open('worker'), open('api')];
  worker.heartbeat.start();
  api.heartbeat.start();
  await until('both are listed', async () => (await listProcesses(redis)).length === 2);
  expect(await listProcesses(redis)).toMatchObject([
    { id: api.id, role: 'api', version: '1.2.3', settings: '0123abcd', state: 'alive' },
    { id: worker.id, role: 'worker', state: 'alive' },
  ]);
  await worker.heartbeat.stop();
  expect(await listProcesses(redis)).toMatchObject([{ id: api.id }]);
  await api.heartbeat.stop();
  expect(await listProcesses(redis)).toEqual([]);
});

test('a process that falls silent is missing, and is forgotten later', async () => {
  await beat(
    redis,
    'dead',
    JSON.stringify({ role: 'worker', version: '1', settings: 's', startedAt: 'then' }),
    600_000,
  );
  await silence('dead', 8_000);
  expect(await listProcesses(redis)).toMatchObject([{ id: 'dead', state: 'missing' }]);
  await silence('dead', 600_000);
  await beat(redis, 'other', JSON.stringify({ role: 'api', version: '1', settings: 's', startedAt: 'then' }), 600_000);
  expect(await listProcesses(redis)).toMatchObject([{ id: 'other', state: 'alive' }]);
});

test('a process knows that Redis takes no writes, although it answers, and when it does again', async () => {
  const server = await privateRedis();
  const own = new Redis(server.url);
  const about = { id: randomUUID(), role: 'worker' as const, version: '1', settings: 's' };
  const heartbeat = createHeartbeat({ redis: own, process: about, logger: pino({ level: 'silent' }) });
  heartbeat.start();
  try {
    await until('it is listed', async () => (await listProcesses(own)).length === 1);
    expect(heartbeat.refusal).toBeUndefined();
    await own.config('SET', 'maxmemory', '1');
    await until('it is told', () => heartbeat.refusal !== undefined);
    expect(heartbeat.refusal).toMatch(/no memory left/);
    expect(await own.ping()).toBe('PONG');
    await own.config('SET', 'maxmemory', '0');
    await until('it is told', () => heartbeat.refusal === undefined);
  } finally {
    await heartbeat.stop();
    own.disconnect();
    await server.stop();
  }
});
