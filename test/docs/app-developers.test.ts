import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startChromium } from '../../tools/services/chromium.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

jest.setTimeout(60_000);

const text = readFileSync(join(import.meta.dirname, '../../docs/app-developers.md'), 'utf8');
/** The code of the document in this language. */
const codeIn = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(text)![1]!;
const account = { email: 'demo@example.com', password: 'three-brown-otters' };

let api: TestProcess;
let site: Server;
let browser: Browser;
let siteUrl: string;

beforeAll(async () => {
  site = createServer((_, response) => {
    const page = codeIn('html').replace('http://localhost:3000', api.url);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  siteUrl = `http://localhost:${(site.address() as AddressInfo).port}`;
  const simulator = await startSimulatorProcess();
  const env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() };
  await startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.url });
  api = await startApi({ ...env, CORS_ORIGINS: siteUrl });
  const body = JSON.stringify(account);
  const headers = { 'Content-Type': 'application/json' };
  expect((await fetch(`${api.url}/auth/register`, { method: 'POST', headers, body })).status).toBe(202);
  browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
  site.close();
});

test('the page in the documentation works as it stands: it asks, goes on, shows retries and failures, and cancels', async () => {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  await page.goto(siteUrl);
  await page.fill('[name=password]', account.password);
  await page.click('text=Log in');
  const state = page.locator('#state');
  const shown = (status: string) => state.filter({ hasText: status }).waitFor();
  await shown('Logged in.');
  const ask = async (message: string) => {
    await page.fill('[name=message]', message);
    await page.press('[name=message]', 'Enter');
  };

  await ask('First');
  await shown('completed');
  expect(await page.locator('dd').last().textContent()).toContain('you asked "First"');
  await ask('Second [[simulate status=429 retry-after=4 times=1]]');
  await shown('retrying');
  await shown('completed');
  expect(await page.locator('dd').last().textContent()).toContain('2 earlier turns');
  await ask('Third [[simulate mode=context_length_exceeded]]');
  await shown('failed');
  expect(await page.locator('dd').last().textContent()).not.toContain('...');
  await ask('Fourth [[simulate latency=30s]]');
  await shown('asking');
  await page.click('text=Cancel');
  await shown('cancelled');
  await ask(' ');
  await shown('message');
  // The browser logs each reply that is an error.
  expect(complaints).toEqual([expect.stringContaining('400 (Bad Request)')]);
});

test('the Python service in the documentation works as it stands', async () => {
  const env = {
    PATH: process.env.PATH,
    HEALIFY_API: api.url,
    HEALIFY_EMAIL: account.email,
    HEALIFY_PASSWORD: account.password,
  };
  const { stdout } = await promisify(execFile)('python3', ['-c', codeIn('python')], { env });
  const [first, second] = stdout.trim().split('\n');
  expect(first).toMatch(/^completed Simulated answer: you asked "What are healthy eating habits\?"/);
  expect(second).toMatch(/^completed .*2 earlier turns/);
});

test('the page registers an account, pages back, erases, goes on after its token has ended, and logs out', async () => {
  const page = await browser.newPage();
  await page.goto(siteUrl);
  const state = page.locator('#state');
  const shown = (text: string) => state.filter({ hasText: text }).waitFor();
  await page.fill('[name=email]', `${randomUUID()}@example.com`);
  await page.fill('[name=password]', account.password);
  await page.click('text=Register');
  await shown('Logged in.');
  const ask = async (message: string) => {
    await page.fill('[name=message]', message);
    await page.press('[name=message]', 'Enter');
    await page.locator('dt').last().filter({ hasText: message }).waitFor();
    await shown('completed');
  };
  await page.route(/\/chat\/session\/[^?]+$/, (route) => route.continue({ url: `${route.request().url()}?limit=2` }));
  for (const message of ['One', 'Two', 'Three']) await ask(message);
  expect(await page.locator('dt').allTextContents()).toEqual(['Two', 'Three']);
  await page.click('text=Earlier questions');
  await page.locator('dt').filter({ hasText: 'One' }).waitFor();
  expect(await page.locator('dt').allTextContents()).toEqual(['One', 'Two', 'Three']);
  expect(await page.locator('#earlier').isVisible()).toBe(false);

  let refreshed = 0;
  page.on('request', (request) => {
    refreshed += request.url().endsWith('/auth/refresh') ? 1 : 0;
  });
  await page.route(
    '**/chat/send',
    (route) => route.fulfill({ status: 401, headers: { 'Access-Control-Allow-Origin': siteUrl } }),
    { times: 1 },
  );
  await ask('Four');
  expect(refreshed).toBe(1);

  await page.click('text=Erase');
  await shown('Erased.');
  expect(await page.locator('dt').count()).toBe(0);
  await ask('Anew');
  await page.click('text=Log out');
  await page.locator('#login').waitFor();
});

test('every marker in the documentation is one that the simulator knows', async () => {
  const simulator = await startSimulatorProcess();
  const markers = [...text.matchAll(/^\| `(.*?\[\[simulate .*?\]\])` \|/gm)].map(([, message]) => message!);
  expect(markers.length).toBeGreaterThan(5);
  for (const message of markers) {
    const body = JSON.stringify({
      model: 'any',
      messages: [{ role: 'user', content: message.replace('latency=5s', 'latency=5ms') }],
    });
    const reply = fetch(`${simulator.url}/chat/completions`, {
      method: 'POST',
      body,
      signal: AbortSignal.timeout(1_000),
    });
    // One of them hangs, which shows that the simulator knows it.
    const said = await reply.then((response) => response.text()).catch(() => '');
    expect(said).not.toContain('unknown_simulate_marker');
  }
});
