import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createAuditTrail } from '../../../src/adapters/audit/audit-trail.ts';
import { createRedisAuditStore } from '../../../src/adapters/audit/redis-audit-store.ts';
import type { AuditEvent } from '../../../src/contracts/audit.ts';
import { audited } from '../../../src/contracts/audited.ts';
import { StoreUnavailableError } from '../../../src/contracts/errors.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisUrl } from '../../services.ts';
import { startTcpProxy, type TcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';
import { someEvent } from './audit-store-contract.ts';

let proxy: TcpProxy;
const opened: Redis[] = [];
beforeAll(async () => {
  proxy = await startTcpProxy(await testRedisUrl());
});
afterAll(async () => {
  for (const redis of opened) redis.disconnect();
  await proxy.stop();
});

/** A trail in an empty database, and what has become of its entries. */
async function newTrail() {
  const url = new URL(await testRedisUrl());
  const redis = new Redis(proxy.url.replace(/\/\d+$/, url.pathname), {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
  });
  redis.on('error', () => {});
  opened.push(redis);
  await until('connected', () => redis.status === 'ready');
  const fates: string[] = [];
  const store = createRedisAuditStore({ redis });
  const log = captureLog();
  const onEntry = ({ outcome }: AuditEvent, fate: string) => fates.push(`${outcome} ${fate}`);
  let waiting = 0;
  const onWaiting = (count: number) => {
    waiting = count;
  };
  const trail = createAuditTrail({ store, onEntry, onWaiting, logger: log.logger });
  const outcomes = async () => {
    const found: { id: string; outcome: string; details?: object }[] = [];
    for await (const { text } of store.read(1)) found.push(JSON.parse(text));
    return found;
  };
  return { trail, fates, log, redis, outcomes, waiting: () => waiting };
}

test('an action waits for its record; what it came to is recorded under the same id', async () => {
  const { trail, outcomes } = await newTrail();
  let seen: object[] = [];
  const act = async () => {
    seen = await outcomes();
    return 3;
  };
  expect(await audited(trail, someEvent, act, (count) => ({ details: { count } }))).toBe(3);
  await trail.stop();
  expect(seen).toMatchObject([{ outcome: 'begun' }]);
  const [begun, done] = await outcomes();
  expect(done).toMatchObject({
    id: begun!.id,
    outcome: 'done',
    details: { count: 3, filter: { code: 'model_timeout' } },
  });
});

test('an action that fails is recorded with its code', async () => {
  const { trail, outcomes } = await newTrail();
  const fail = async () => {
    throw new StoreUnavailableError('away');
  };
  await expect(audited(trail, someEvent, fail)).rejects.toThrow('away');
  await trail.stop();
  expect(await outcomes()).toMatchObject([
    { outcome: 'begun' },
    { outcome: 'failed', details: { code: 'store_unavailable' } },
  ]);
});

test('while the store is away actions are refused, and what is noted waits in order', async () => {
  const { trail, fates, log, redis, outcomes, waiting } = await newTrail();
  proxy.cut();
  let acted = false;
  const act = async () => {
    acted = true;
  };
  await expect(audited(trail, someEvent, act)).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(acted).toBe(false);
  const ids = Array.from({ length: 250 }, (_, i) => `id ${i}`);
  for (const id of ids) trail.note(someEvent, id);
  await until('it is said', () => log.said('entries of the audit trail wait').length > 0);
  expect(waiting()).toBe(250);
  proxy.open();
  await until('connected again', () => redis.status === 'ready');
  await until('all are written', () => waiting() === 0);
  expect((await outcomes()).map(({ id }) => id)).toEqual(ids);
  expect(fates).toEqual(ids.map(() => 'done kept'));
  expect(log.said('the audit trail is written again')).toHaveLength(1);
});

test('only so many wait; the others are lost, and so is what waits when the process stops', async () => {
  const { trail, fates, log } = await newTrail();
  proxy.cut();
  for (let i = 0; i < 10_003; i++) trail.note(someEvent);
  expect(fates).toEqual(Array.from({ length: 3 }, () => 'done lost'));
  await trail.stop();
  expect(fates).toHaveLength(10_003);
  expect(log.said('entries of the audit trail are lost').at(-1)).toMatchObject({
    lost: 10_000,
    actions: ['job.retry'],
  });
  proxy.open();
});

test('what is too long, or is no field of an event, is not recorded', async () => {
  const { trail, outcomes } = await newTrail();
  await expect(trail.record({ ...someEvent, details: { reason: 'x'.repeat(501) } })).rejects.toThrow();
  await expect(trail.record({ ...someEvent, question: 'What is it?' } as AuditEvent)).rejects.toThrow();
  expect(await outcomes()).toEqual([]);
});
