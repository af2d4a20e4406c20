import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Router } from 'express';
import { pino } from 'pino';
import { request } from 'undici';
import { createApp } from '../../src/api/app.ts';
import { type BuiltPages, readBuiltPages } from '../../src/api/pages/built-pages.ts';
import { createPagesRouter } from '../../src/api/pages/routes.ts';
import { createApiMetrics } from '../../src/observability/metrics.ts';

const pages = readBuiltPages(join(import.meta.dirname, '../../dist/web'));
const servers: Server[] = [];
let url: string;
beforeAll(async () => {
  url = await serve(pages);
});
afterAll(() => {
  for (const server of servers) server.close();
});

async function serve(built: BuiltPages, basePath = ''): Promise<string> {
  const app = createApp({
    version: '1',
    trustProxy: 0,
    basePath,
    health: Router(),
    pages: createPagesRouter(built),
    admin: Router(),
    accounts: undefined,
    chat: Router(),
    metrics: createApiMetrics(),
    logger: pino({ level: 'silent' }),
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Reads a file as it is sent. `fetch` would undo its encoding, and ask past all caches. */
async function get(path: string, headers: Record<string, string> = {}) {
  const reply = await request(url + path, { headers });
  return { status: reply.statusCode, headers: reply.headers, body: Buffer.from(await reply.body.arrayBuffer()) };
}

/** The addresses that a page's HTML names. */
const assetsOf = (html: string) =>
  [...html.matchAll(/(?:src|href)="((?:\/healify)?\/assets\/[^"]+)"/g)].map(([, path]) => path!);

test('the operations page allows no script, style or request but our own, and no HTML made of text', async () => {
  const page = await fetch(`${url}/admin`);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')?.split(';')).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ]);
  expect(await page.text()).not.toMatch(/<style|<script(?![^>]*src=)| style="| on\w+="/);
});

const typeOf: Record<string, RegExp> = { css: /^text\/css/, js: /^text\/javascript/, svg: /^image\/svg/ };

test('a browser asks for the page each time and keeps its files for good', async () => {
  const page = await fetch(`${url}/admin`);
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const again = await get('/admin', { 'If-None-Match': page.headers.get('etag')! });
  expect(again.status).toBe(304);
  const assets = assetsOf(await page.text());
  expect(assets.length).toBeGreaterThanOrEqual(2);
  for (const path of assets) {
    const asset = await fetch(url + path);
    expect([asset.status, asset.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect(asset.headers.get('content-type')).toMatch(typeOf[path.split('.').at(-1)!]!);
  }
});

test('a file is sent in the best encoding that the client takes', async () => {
  const path = assetsOf(await (await fetch(`${url}/admin`)).text()).find((name) => name.endsWith('.js'))!;
  const plain = await get(path);
  const gzip = await get(path, { 'Accept-Encoding': 'gzip' });
  const brotli = await get(path, { 'Accept-Encoding': 'gzip, deflate, br' });
  expect([plain, gzip, brotli].map(({ headers }) => headers['content-encoding'])).toEqual([undefined, 'gzip', 'br']);
  for (const { headers } of [plain, gzip, brotli]) expect(headers.vary).toBe('Accept-Encoding');
  expect(gunzipSync(gzip.body)).toEqual(plain.body);
  expect(brotliDecompressSync(brotli.body)).toEqual(plain.body);
});

test('the page has one address, under the prefix too', async () => {
  const prefixed = await serve(pages, '/healify');
  const slash = await fetch(`${prefixed}/healify/admin/`, { redirect: 'manual' });
  expect([slash.status, slash.headers.get('location')]).toEqual([308, '/healify/admin']);
  const style = await fetch(`${prefixed}/healify/assets/operations.css`, { redirect: 'manual' });
  expect([style.status, style.headers.get('location')]).toEqual([
    302,
    expect.stringMatching(/^\/healify\/assets\/operations-.*\.css$/),
  ]);
});

test('the chat page is at the root, with and without a slash after the prefix, under the same policy', async () => {
  const prefixed = await serve(pages, '/healify');
  const policy = (await fetch(`${url}/admin`)).headers.get('content-security-policy');
  for (const address of [`${url}/`, `${prefixed}/healify`, `${prefixed}/healify/`]) {
    const page = await fetch(address);
    expect([page.status, page.headers.get('content-security-policy')]).toEqual([200, policy]);
    const assets = assetsOf(await page.text());
    expect(assets.length).toBeGreaterThanOrEqual(2);
    for (const asset of assets) expect((await fetch(new URL(asset, address))).status).toBe(200);
  }
});

test('there is nothing else to read', async () => {
  for (const path of ['/assets/nothing.js', '/assets/..%2fmanifest.json', '/assets/']) {
    expect((await fetch(url + path)).status).toBe(404);
  }
});

test('if the pages were not built, the reply says what to run', async () => {
  const bare = await serve(readBuiltPages('/nowhere'));
  for (const path of ['/admin', '/assets/operations.css']) {
    const reply = await fetch(bare + path);
    expect([reply.status, await reply.json()]).toEqual([
      503,
      expect.objectContaining({ code: 'pages_not_built', detail: expect.stringContaining('npm run build:web') }),
    ]);
  }
});
