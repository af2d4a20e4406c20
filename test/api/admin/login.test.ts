import { createHash } from 'node:crypto';
import { createServer, request } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startChromium } from '../../../tools/services/chromium.ts';
import { startApi, startScript, type TestProcess } from '../../processes.ts';
import { settingsForLogins } from '../../settings-for-logins.ts';
import { certificate } from '../../test-certificate.ts';
import { until } from '../../until.ts';

const LAN = 'healify.lan';
const PASSWORD = 'three-brown-otters';
let env: Record<string, string>;
let browser: Browser;

beforeAll(async () => {
  env = await settingsForLogins();
  const args = ['add', '--email', 'admin@example.com', '--password-env', 'PASSWORD', '--admin'];
  const made = await startScript('src/main/users.ts', args, { REDIS_URL: env.REDIS_URL!, PASSWORD });
  await made.exited;
  // An address that browsers do not trust, as that of a machine in the local network is.
  browser = await startChromium({ hosts: { [LAN]: '127.0.0.1' } });
});
afterAll(() => browser?.close());

const onLan = (api: TestProcess) => api.url.replace('127.0.0.1', LAN);

/** Logs in as a person does, and returns the page once it has loaded. */
async function logIn(url: string, context?: BrowserContext) {
  const page = await (context ?? browser).newPage();
  await page.goto(url);
  await page.waitForURL('**/admin/login');
  const firstVisit = await page.textContent('main');
  await page.fill('[name=email]', 'admin@example.com');
  await page.fill('[name=password]', PASSWORD);
  await page.click('button');
  await page.waitForLoadState();
  return { page, firstVisit };
}

test('plain http in the local network is refused with an explanation, and a setting allows it', async () => {
  const refused = await logIn(`${onLan(await startApi(env))}/admin/login`);
  expect(refused.firstVisit).toContain('browsers keep the cookie of this login over https only');
  expect(await refused.page.textContent('main')).toContain('You are not logged in.');
  await refused.page.close();

  const { page, firstVisit } = await logIn(`${onLan(await startApi({ ...env, ADMIN_OVER_HTTP: 'true' }))}/admin`);
  expect(firstVisit).not.toMatch(/https|Log in to go on/);
  await page.waitForURL('**/admin');
  await page.getByText('healify-chat').first().waitFor();
  expect(await cookiesOf(page)).toEqual([{ name: 'healify_admin', secure: false }]);
  await page.close();
});

test('in production, an admin logs in on the machine itself', async () => {
  const { page } = await logIn(`${(await startApi({ ...env, NODE_ENV: 'production' })).url}/admin`);
  await page.waitForURL('**/admin');
  expect(await cookiesOf(page)).toEqual([{ name: 'healify_admin', secure: false }]);
  await page.close();
});

test('over https, the cookie can be set by no other host, and two installations of one origin keep theirs apart', async () => {
  const [one, other] = await Promise.all(
    ['/one', '/other'].map((path) => startApi({ ...env, BASE_PATH: path, TRUST_PROXY: '1' })),
  );
  const proxy = createHttpsServer(certificate, (req, res) => {
    const { url } = req.url!.startsWith('/one') ? one! : other!;
    const headers = { ...req.headers, 'x-forwarded-proto': 'https' };
    req.pipe(
      request(url + req.url!, { method: req.method!, headers }, (answer) => {
        answer.pipe(res.writeHead(answer.statusCode!, answer.headers));
      }),
    );
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    const origin = `https://${LAN}:${(proxy.address() as AddressInfo).port}`;
    const enter = async (path: string) => {
      const { page } = await logIn(`${origin}${path}/admin`, context);
      await page.waitForURL(`${origin}${path}/admin`);
      return page;
    };
    const page = await enter('/one');
    const named = (name: string) => expect.objectContaining({ name, path: '/', domain: LAN, ...flags });
    const flags = { secure: true, httpOnly: true, sameSite: 'Strict' };
    expect(await context.cookies()).toEqual([named(`__Host-healify_admin-${hashOf('/one')}`)]);
    const statusAt = (path: string) =>
      page.evaluate((address) => fetch(address).then(({ status }) => status), `${origin}${path}/admin/me`);
    expect(await statusAt('/one')).toBe(200);
    expect(await statusAt('/other')).toBe(401);
    await (await enter('/other')).getByRole('button', { name: 'Log out' }).click();
    await until('the logout', async () => (await statusAt('/other')) === 401);
    expect(await statusAt('/one')).toBe(200);

    // Another host of the domain can set a cookie with the plain name only.
    const [cookie] = await context.cookies();
    await context.clearCookies();
    const planted = { name: `healify_admin-${hashOf('/one')}`, value: cookie!.value, url: origin, secure: true };
    await context.addCookies([planted]);
    expect(await statusAt('/one')).toBe(401);
  } finally {
    await context.close();
    proxy.closeAllConnections();
    proxy.close();
  }
});

const hashOf = (basePath: string) => createHash('sha256').update(basePath).digest('hex').slice(0, 8);
const cookiesOf = async (page: Page) => (await page.context().cookies()).map(({ name, secure }) => ({ name, secure }));

test.each([
  ['takes the prefix away', true],
  ['passes the prefix on', false],
])('behind a proxy that %s, the pages, the documentation and every address are under it', async (_how, strips) => {
  const api = await startApi({ ...env, BASE_PATH: '/healify/', TRUST_PROXY: '1', ADMIN_OVER_HTTP: 'true' });
  const proxy = createServer((req, res) => {
    if (!req.url!.startsWith('/healify')) {
      res.writeHead(404).end();
      return;
    }
    const path = strips ? req.url!.slice('/healify'.length) || '/' : req.url!;
    // As nginx does by itself: its own name for the server behind it, and the asked one in another header.
    const headers = { ...req.headers, host: 'api.internal', 'x-forwarded-host': req.headers.host };
    req.pipe(
      request(api.url + path, { method: req.method!, headers }, (answer) => {
        answer.pipe(res.writeHead(answer.statusCode!, answer.headers));
      }),
    );
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  try {
    const url = `http://${LAN}:${(proxy.address() as AddressInfo).port}/healify`;
    const { page } = await logIn(`${url}/admin`);
    await page.waitForURL(`${url}/admin`);
    const queue = page.waitForResponse((response) => response.url().startsWith(`${url}/admin/queues/api/queues`));
    await page.goto(`${url}/admin/queues/queue/chat`);
    expect((await queue).status()).toBe(200);
    const changed = await page.evaluate(
      (path) =>
        fetch(path, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ dryRun: true }),
        }).then(({ status }) => status),
      `${url}/admin/intake/pause`,
    );
    expect(changed).toBe(200);
    await page.goto(`${url}/docs`);
    await page.getByText('Ask a question').waitFor();
    expect(await page.textContent('body')).toContain('/healify');

    const local = url.replace(LAN, '127.0.0.1');
    const problem = await (await fetch(`${local}/chat/session/s1`)).json();
    expect(problem).toMatchObject({
      type: '/healify/problems/unauthenticated',
      instance: '/healify/chat/session/s1',
    });
    const document = (await (await fetch(`${local}/openapi.json`)).json()) as { servers: unknown };
    expect(document.servers).toEqual([{ url: '/healify' }]);
    expect((await fetch(`${api.url}/health/ready`)).status).toBe(200);
    await page.close();
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test.each<[string, Record<string, string>, number]>([
  ['its own origin', { Origin: 'http://HOST' }, 303],
  ['no origin', {}, 303],
  ['an origin that is kept secret', { Origin: 'null' }, 303],
  ['another origin', { Origin: 'http://evil.example' }, 403],
  ['another port of the same host', { Origin: 'http://127.0.0.1:1' }, 403],
  ['an origin that is no origin', { Origin: 'nonsense' }, 403],
  [
    'another origin, which forges what a proxy says',
    { Origin: 'http://evil.example', 'X-Forwarded-Host': 'evil.example' },
    403,
  ],
  ['another origin, as the browser says', { Origin: 'http://HOST', 'Sec-Fetch-Site': 'cross-site' }, 403],
])('without a proxy, a login from %s is answered as it should', async (_what, headers, status) => {
  expect(await postLogin(await direct(), headers)).toBe(status);
});

test.each<[string, Record<string, string>, number]>([
  ['the host that the proxy was asked for', { 'X-Forwarded-Host': 'chat.example.com' }, 303],
  ['its host in capitals', { 'X-Forwarded-Host': 'Chat.Example.com' }, 303],
  ['its host with the usual port', { 'X-Forwarded-Host': 'chat.example.com:443' }, 303],
  ['the first of several hosts', { 'X-Forwarded-Host': 'chat.example.com, inner.example.com' }, 303],
  ['another host', { 'X-Forwarded-Host': 'other.example.com' }, 403],
  ['no host', {}, 403],
])('behind a proxy, a login counts by %s', async (_what, headers, status) => {
  expect(await postLogin(await behindProxy(), { Origin: 'https://chat.example.com', ...headers })).toBe(status);
});

test('a proxy that leaves the port out does not keep admins out', async () => {
  const headers = { Origin: 'http://chat.example.com:8080', 'X-Forwarded-Host': 'chat.example.com' };
  expect(await postLogin(await behindProxy(), headers)).toBe(303);
});

test('in production, a proxy that does not say that it came over https keeps no admin out', async () => {
  const api = await startApi({ ...env, NODE_ENV: 'production' });
  const browserHeaders = { Host: 'chat.example.com', 'Sec-Fetch-Site': 'same-origin', Origin: 'null' };
  expect(await postLogin(api, browserHeaders)).toBe(303);
});

test('only the login may come from an origin that is kept secret', async () => {
  const put = await fetch(`${(await direct()).url}/admin/queues/api/queues/chat/pause`, {
    method: 'PUT',
    headers: { Origin: 'null' },
  });
  expect(put.status).toBe(403);
});

let directApi: Promise<TestProcess> | undefined;
const direct = () => {
  directApi ??= startApi(env);
  return directApi;
};
let proxiedApi: Promise<TestProcess> | undefined;
const behindProxy = () => {
  proxiedApi ??= startApi({ ...env, TRUST_PROXY: '1', ADMIN_OVER_HTTP: 'true' });
  return proxiedApi;
};

async function postLogin(api: TestProcess, headers: Record<string, string>): Promise<number> {
  const host = new URL(api.url).host;
  const sent = Object.entries(headers).map(([name, value]) => [name, value.replace('HOST', host)]);
  const body = new URLSearchParams({ email: 'admin@example.com', password: PASSWORD }).toString();
  return new Promise((done, fail) => {
    const login = request(`${api.url}/admin/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...Object.fromEntries(sent) },
    });
    login.on('response', (response) => {
      response.resume();
      done(response.statusCode!);
    });
    login.on('error', fail);
    login.end(body);
  });
}
