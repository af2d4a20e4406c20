import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Router } from 'express';
import { pino } from 'pino';
import { createDeadLettersRouter } from '../../../src/api/admin/dead-letters.ts';
import { createAdminRouter } from '../../../src/api/admin/routes.ts';
import { createApp } from '../../../src/api/app.ts';
import { createAccessTokens } from '../../../src/api/auth/access-tokens.ts';
import { createAuthentication } from '../../../src/api/auth/authenticate.ts';
import { createTokenVerifier } from '../../../src/api/auth/verify-tokens.ts';
import { createDeadLetterAdmin } from '../../../src/bridge/redrive/dead-letter-admin.ts';
import { letterGroups, letterPage, redriveReport } from '../../../src/contracts/dead-letters.ts';
import { REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { createHealthRouter } from '../../../src/observability/health.ts';
import { createApiMetrics } from '../../../src/observability/metrics.ts';
import { call } from '../../api-client.ts';
import { bury, drain, numbersOf, upTo } from '../../dead-letters.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { recordingTrail } from '../../recording-trail.ts';
import { testRabbitMqUrl } from '../../services.ts';
import { until } from '../../until.ts';

const DLQ = `${REQUESTS_QUEUE}.dlq`;
const secret = 'a secret of at least thirty-two bytes';
const accessTokens = createAccessTokens({ issuer: 'i', audience: 'a', secret, ttlMs: 60_000 });
const { trail, recorded } = recordingTrail();
let tokens: Record<'operator' | 'user', string>;
const server = createServer();
let url: string;
let client: QueueClient;

beforeAll(async () => {
  const rabbitMqUrl = await testRabbitMqUrl();
  client = await startQueueClient(rabbitMqUrl);
  const tokenOf = (role: 'operator' | 'user') => accessTokens.sign({ userId: 'u', role }, 'login');
  tokens = { operator: await tokenOf('operator'), user: await tokenOf('user') };
  const { requireAdmin } = createAuthentication({
    adminCookie: { read: () => undefined },
    verifyToken: createTokenVerifier({
      keys: { secrets: [secret] },
      rules: {
        issuer: 'i',
        audiences: ['a'],
        audienceClaim: 'aud',
        rolesClaim: 'role',
        roleNames: { admin: 'admin', privacy_officer: 'privacy_officer', operator: 'operator' },
        clockToleranceMs: 0,
      },
    }),
    hasEnded: () => false,
    adminSessions: { find: async () => undefined },
  });
  const deadLetters = createDeadLetterAdmin({ url: rabbitMqUrl });
  server.on(
    'request',
    createApp({
      version: '1',
      trustProxy: 0,
      health: createHealthRouter({ checks: {}, version: '1' }),
      admin: createAdminRouter(createDeadLettersRouter({ deadLetters, trail, requireAdmin })),
      accounts: undefined,
      chat: Router(),
      metrics: createApiMetrics(),
      logger: pino({ level: 'silent' }),
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin/dead-letters`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(async () => {
  await client.channel.purgeQueue(DLQ);
  await client.channel.purgeQueue(REQUESTS_QUEUE);
});

const bearer = (role: 'operator' | 'user') => ({ Authorization: `Bearer ${tokens[role]}` });
const get = (path: string) => call(url + path, { headers: bearer('operator') });
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  call(url + path, {
    method: 'POST',
    headers: { ...bearer('operator'), 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

test('an operator sees the dead letters by cause, and what they are', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(3), { reason: 'not_json' });
  await bury(client, REQUESTS_QUEUE, [3], { reason: 'empty', ageMs: 7_200_000 });
  const groups = letterGroups.parse((await get('/chat_requests')).body);
  expect(groups.groups.map(({ reason, count }) => [reason, count])).toEqual([
    ['not_json', 3],
    ['empty', 1],
  ]);
  const page = letterPage.parse((await get('/chat_requests/messages?olderThan=1h')).body);
  expect(JSON.stringify(page)).not.toContain('letter 3');
  expect(page.letters).toMatchObject([{ messageId: 'm-3', reason: 'empty', bytes: 8 }]);
});

test('an operator sends letters back; one call sends at most 1,000', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(1_003));
  const dry = await post('/chat_requests/redrive', { dryRun: true });
  expect(dry.body).toMatchObject({ matching: 1_003, sent: 0 });
  const report = redriveReport.parse((await post('/chat_requests/redrive', { limit: 5_000 })).body);
  expect(report).toMatchObject({ sent: 1_000, left: 3, stopped: null });
  expect(numbersOf(await drain(client, REQUESTS_QUEUE))).toEqual(upTo(1_000));
});

test('dropping needs a confirmation', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(3));
  expect(await post('/chat_requests/drop', {})).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', errors: [{ path: 'confirm' }] },
  });
  expect((await post('/chat_requests/drop', { dryRun: true })).body).toMatchObject({ matching: 3, dropped: 0 });
  expect((await post('/chat_requests/drop', { confirm: true })).body).toMatchObject({ dropped: 3, left: 0 });
  const filter = { confirm: true, dryRun: false, limit: 1_000 };
  expect(recorded.slice(-2)).toMatchObject([
    { action: 'dead_letter.drop', subject: { kind: 'queue', id: DLQ }, outcome: 'begun', details: { filter } },
    { action: 'dead_letter.drop', outcome: 'done', details: { filter, count: 3, matching: 3 } },
  ]);
  expect(await client.depth(DLQ)).toBe(0);
});

test('only operators may, and no page of another site in their name', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(2));
  expect(await call(`${url}/chat_requests`)).toMatchObject({ status: 401 });
  expect(await call(`${url}/chat_requests/messages`, { headers: bearer('user') })).toMatchObject({ status: 403 });
  expect(await post('/chat_requests/drop', { confirm: true }, bearer('user'))).toMatchObject({ status: 403 });
  expect(await post('/chat_requests/drop', { confirm: true }, { 'Sec-Fetch-Site': 'cross-site' })).toMatchObject({
    status: 403,
  });
  expect(await client.depth(DLQ)).toBe(2);
});

test('other queues and unknown options are refused', async () => {
  expect(await get('/chat_requests.dlq')).toMatchObject({ status: 404 });
  expect(await get('/orders/messages')).toMatchObject({ status: 404 });
  expect(await get('/chat_requests?older=1h')).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  expect(await get('/chat_requests/messages?full=true')).toMatchObject({ status: 400 });
  expect(await get('/chat_requests?olderThan=yesterday')).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'olderThan' }] },
  });
  expect(await post('/chat_requests/redrive', { rate: -1 })).toMatchObject({ status: 400 });
  expect(await post('/chat_requests/redrive', 'all')).toMatchObject({ status: 400 });
});

test('an operator is told to wait while somebody else has the letters', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(20));
  const slow = post('/chat_requests/redrive', { rate: 4 });
  await until('it has the letters', async () => (await client.depth(DLQ)) === 0);
  expect(await get('/chat_requests')).toMatchObject({ status: 409, body: { code: 'dead_letters_in_use' } });
  expect((await slow).body).toMatchObject({ sent: 20 });
});
