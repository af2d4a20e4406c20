import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startChromium } from '../../tools/services/chromium.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

let api: TestProcess;
let browser: Browser;
/** A page of an app on another origin, which is allowed, and of one that is not. */
let app: Page;
let stranger: Page;
const pages = createServer((_req, res) => res.setHeader('Content-Type', 'text/html').end('<!doctype html><p>app'));

beforeAll(async () => {
  await new Promise<void>((done) => pages.listen(0, '127.0.0.1', done));
  const { port } = pages.address() as AddressInfo;
  api = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    CORS_ORIGINS: `https://app.example.com, http://127.0.0.1:${port}`,
    RATE_READ_PER_MINUTE: '3',
  });
  browser = await startChromium();
  [app, stranger] = [await browser.newPage(), await browser.newPage()];
  await app.goto(`http://127.0.0.1:${port}/`);
  await stranger.goto(`http://localhost:${port}/`);
});
afterAll(async () => {
  await browser?.close();
  pages.closeAllConnections();
  pages.close();
});

interface Call {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** What a page's script sees: status, the requested headers and the body, or the error if it sees nothing. */
const callFrom = (page: Page, call: Call) =>
  page.evaluate(async ({ url, method, headers, body }: Call) => {
    try {
      const response = await fetch(url, {
        method: method ?? 'GET',
        headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const readable = [
        'Location',
        'Retry-After',
        'RateLimit',
        'RateLimit-Policy',
        'Preference-Applied',
        'WWW-Authenticate',
      ];
      return {
        status: response.status,
        headers: Object.fromEntries(readable.map((name) => [name, response.headers.get(name)])),
        body: text === '' ? undefined : JSON.parse(text),
      };
    } catch (error) {
      return { status: 0, headers: {}, body: String(error) };
    }
  }, call);

test('a page on an allowed origin does all that the API offers, and reads what it needs to go on', async () => {
  const credentials = { email: 'ann@example.com', password: 'three-brown-otters' };
  expect((await callFrom(app, { url: `${api.url}/auth/register`, method: 'POST', body: credentials })).status).toBe(
    202,
  );
  const login = await callFrom(app, { url: `${api.url}/auth/login`, method: 'POST', body: credentials });
  const authorization = { Authorization: `Bearer ${login.body.accessToken}` };
  const sent = await callFrom(app, {
    url: `${api.url}/chat/send`,
    method: 'POST',
    headers: {
      ...authorization,
      'Idempotency-Key': 'one',
      Prefer: 'wait=1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      baggage: 'sentry-release=1.0',
      'sentry-trace': '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1',
      'X-Requested-With': 'XMLHttpRequest',
    },
    body: { message: 'Hello?' },
  });
  expect(sent).toMatchObject({
    status: 202,
    headers: {
      Location: `/chat/session/${sent.body.sessionId}`,
      'Preference-Applied': 'wait=1',
      RateLimit: expect.any(String),
      'RateLimit-Policy': expect.any(String),
    },
  });
  const session = { url: `${api.url}/chat/session/${sent.body.sessionId}`, headers: authorization };
  expect((await callFrom(app, { ...session, method: 'DELETE' })).status).toBe(204);
  for (let i = 0; i < 2; i++) await callFrom(app, session);
  const limited = await callFrom(app, session);
  expect(limited).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  const { 'Retry-After': seconds } = limited.headers as Record<string, string>;
  expect(limited.body.detail).toMatch(new RegExp(`^Wait ${seconds} seconds?, then send it again\\.$`));
});

test('its errors can be read as well', async () => {
  const unknown = await callFrom(app, { url: `${api.url}/chat/session/s1` });
  expect(unknown).toMatchObject({
    status: 401,
    headers: { 'WWW-Authenticate': 'Bearer' },
    body: { code: 'unauthenticated' },
  });
  const malformed = await callFrom(app, { url: `${api.url}/auth/login`, method: 'POST', body: { email: 'nobody' } });
  expect(malformed).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  expect((await callFrom(app, { url: `${api.url}/nothing` })).status).toBe(404);
});

test('a page on any other origin reads nothing', async () => {
  expect(await callFrom(stranger, { url: `${api.url}/health` })).toMatchObject({ status: 0 });
  expect(await callFrom(stranger, { url: `${api.url}/auth/login`, method: 'POST', body: {} })).toMatchObject({
    status: 0,
  });
});

test('the admin’s pages are for no other origin, not even an allowed one', async () => {
  for (const path of ['/admin/queues', '/Admin/dead-letters/chat_requests', '/admin', '/admin/nothing']) {
    expect(await callFrom(app, { url: api.url + path, headers: { Authorization: 'Bearer x' } })).toMatchObject({
      status: 0,
    });
  }
});

test('without a setting no other origin may do anything', async () => {
  const closed = await startApi({ REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() });
  expect(await callFrom(app, { url: `${closed.url}/health` })).toMatchObject({ status: 0 });
});
