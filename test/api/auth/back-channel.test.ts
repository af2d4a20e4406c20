import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import express from 'express';
import { Redis } from 'ioredis';
import { createRedisUsedTokens } from '../../../src/adapters/logins/redis-used-tokens.ts';
import { createBackChannelRouter } from '../../../src/api/auth/oidc/routes.ts';
import { recordingTrail } from '../../recording-trail.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

let redis: Redis;
const servers: Server[] = [];
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await redis.quit();
});

/** An api that hears of logouts. @param leave ends the logins of somebody */
async function startApi(leave: (subject: string) => Promise<string>): Promise<(token: string) => Promise<number>> {
  const router = createBackChannelRouter({
    provider: { readLogoutToken: async (token: string) => ({ subject: 'ann', tokenId: token, countsForMs: 60_000 }) },
    people: { leave },
    usedTokens: createRedisUsedTokens({ redis }),
    limitAddress: () => (_req: unknown, _res: unknown, next: () => void) => next(),
    trail: recordingTrail().trail,
  } as unknown as Parameters<typeof createBackChannelRouter>[0]);
  const answerErrors: express.ErrorRequestHandler = (error, _req, res, _next) =>
    void res.sendStatus(error.status ?? 500);
  const server = express().use(router, answerErrors).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth/oidc/backchannel-logout`;
  return async (token) =>
    (await fetch(url, { method: 'POST', body: new URLSearchParams({ logout_token: token }) })).status;
}

test('a word of a logout whose api dies over it counts again, until the logins have ended', async () => {
  const ended: string[] = [];
  let begun = false;
  const atDying = await startApi(() => {
    begun = true;
    return new Promise(() => {});
  });
  atDying('t1').catch(() => {});
  await until('the first api is at it', () => begun);
  const atNext = await startApi(async (subject) => {
    ended.push(subject);
    return 'u1';
  });
  expect(await atNext('t1')).toBe(200);
  expect(ended).toEqual(['ann']);
  expect(await atNext('t1')).toBe(403);
  expect(ended).toEqual(['ann']);
});

test('it counts again if the logins could not be ended', async () => {
  let isAway = true;
  const post = await startApi(async () => {
    if (isAway) throw new Error('away');
    return 'u1';
  });
  expect(await post('t2')).toBe(500);
  isAway = false;
  expect(await post('t2')).toBe(200);
  expect(await post('t2')).toBe(403);
});
