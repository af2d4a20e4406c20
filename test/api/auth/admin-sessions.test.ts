import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import express from 'express';
import { Redis } from 'ioredis';
import { createRedisAdminSessionStore } from '../../../src/adapters/logins/redis-admin-session-store.ts';
import { createLoginRouter } from '../../../src/api/admin/login.ts';
import { createAdminCookie } from '../../../src/api/auth/admin-cookie.ts';
import { createAdminSessions, type RoleOf } from '../../../src/api/auth/admin-sessions.ts';
import type { Role } from '../../../src/contracts/account.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

const HOUR_MS = 3_600_000;
const admin = { userId: 'u', role: 'admin' as const };
let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

/** The sessions as one api process sees them. All processes share the store. */
const sessionsOf = (options: { idleMs?: number; roleOf?: RoleOf } = {}) =>
  createAdminSessions({ store: createRedisAdminSessionStore({ redis }), idleMs: HOUR_MS, ...options });

/** How long the only session lasts if nothing happens, in ms. */
async function restMs(): Promise<number> {
  const keys = await redis.keys(redisKeys.adminSession('*'));
  expect(keys).toHaveLength(1);
  return redis.pttl(keys[0]!);
}

test('who does something stays logged in, and what a page asks for by itself keeps nobody logged in', async () => {
  await redis.flushdb();
  const session = await sessionsOf({ idleMs: HOUR_MS / 2 }).begin(admin, 10 * HOUR_MS, Date.now());
  expect(await restMs()).toBeLessThanOrEqual(HOUR_MS / 2);
  const sessions = sessionsOf();
  expect(await sessions.find(session, { active: false })).toEqual(admin);
  expect(await restMs()).toBeLessThanOrEqual(HOUR_MS / 2);
  expect(await sessions.find(session, { active: true })).toEqual(admin);
  expect(await restMs()).toBeGreaterThan(HOUR_MS / 2);
});

test('who does nothing for too long is logged out', async () => {
  const sessions = sessionsOf({ idleMs: 50 });
  const session = await sessions.begin(admin, HOUR_MS, Date.now());
  await until('it has ended', async () => (await sessions.find(session, { active: false })) === undefined);
});

test('a session ends after the longest time that is allowed, however busy its person is', async () => {
  const sessions = sessionsOf();
  const session = await sessions.begin(admin, 300, Date.now());
  await until('it has ended', async () => (await sessions.find(session, { active: true })) === undefined);
});

test('a logout takes effect at once in every process', async () => {
  const [one, other] = [sessionsOf(), sessionsOf()];
  const session = await one.begin(admin, HOUR_MS, Date.now());
  expect(await other.find(session, { active: true })).toEqual(admin);
  await one.end(session);
  expect(await other.find(session, { active: true })).toBeUndefined();
});

test('whose account is no admin’s any more is none at once, and whose account is gone is nobody', async () => {
  const roles = new Map<string, Role>([['u', 'admin']]);
  const sessions = sessionsOf({ roleOf: async (userId) => roles.get(userId) });
  const session = await sessions.begin(admin, HOUR_MS, Date.now());
  expect(await sessions.find(session, { active: true })).toEqual(admin);
  roles.set('u', 'user');
  expect(await sessions.find(session, { active: true })).toEqual({ userId: 'u', role: 'user' });
  roles.delete('u');
  expect(await sessions.find(session, { active: true })).toBeUndefined();
});

test('a login during which all logins end is no login', async () => {
  let endedAt = 0;
  const sessions = sessionsOf({
    roleOf: async (_userId: string, begunAt = 0) => (begunAt <= endedAt ? undefined : 'admin'),
  });
  const login = createLoginRouter({
    // While the password is compared, all logins of the account end.
    logIn: async () => {
      endedAt = Date.now();
      await until('a later moment', () => Date.now() > endedAt);
      return { ...admin, maxMs: HOUR_MS };
    },
    sessions,
    ...{ accounts: true, passwords: true, providerName: undefined, overHttp: false },
    limitAddress: (_req, _res, next) => next(),
    cookie: createAdminCookie({ basePath: '', overHttp: false }),
    records: { loggedIn: () => {}, refused: () => {} },
  });
  const server = createServer(express().use('/admin', login)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin/login`;
  const body = new URLSearchParams({ email: 'admin@example.com', password: 'three-brown-otters' });
  const reply = await fetch(url, { method: 'POST', body, redirect: 'manual' });
  const sessionId = /=([\w-]{43});/.exec(reply.headers.getSetCookie()[0]!)![1]!;
  expect(await sessions.find(sessionId, { active: true })).toBeUndefined();
  server.close();
});

test('a session that an earlier version began, without an end, has to be begun again', async () => {
  await redis.flushdb();
  const sessions = sessionsOf();
  const session = await sessions.begin(admin, HOUR_MS, Date.now());
  const [key] = await redis.keys(redisKeys.adminSession('*'));
  await redis.set(key!, JSON.stringify(admin), 'KEEPTTL');
  expect(await sessions.find(session, { active: true })).toBeUndefined();
});
