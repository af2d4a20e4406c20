import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Browser, Page } from 'playwright-core';
import type { Account } from '../../src/contracts/account.ts';
import { redisKeys } from '../../src/contracts/redis-keys.ts';
import { startChromium } from '../../tools/services/chromium.ts';
import { freePort } from '../../tools/services/free-port.ts';
import { call, postJson, register } from '../api-client.ts';
import { findProblems, userOf } from '../chat-page.ts';
import {
  logInAtProvider,
  type OpenIdProvider,
  providerSettings,
  startOpenIdProvider,
} from '../openid-provider/start.ts';
import { openWatched } from '../operations.ts';
import { startApi, startScript } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

let env: Record<string, string>;
let provider: OpenIdProvider;
let url: string;
let browser: Browser;
let redis: Redis;
const complaints: string[] = [];
const roles = { olga: 'operator', paul: ['other', 'privacy_officer'], ute: 'nurse' };

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const [otherUrl, prefixedUrl] = [await freePort(), await freePort()].map((each) => `http://127.0.0.1:${each}`);
  ourUrls = [url, otherUrl!, `${prefixedUrl}/healify`];
  provider = await startOpenIdProvider(ourUrls);
  await provider.change({ roles });
  env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    RATE_READ_PER_MINUTE: '100000',
    RATE_LOGIN_PER_MINUTE: '100000',
    JWT_SECRET: 'a secret of at least thirty-two bytes',
    ...providerSettings(provider.issuer, url),
  };
  redis = new Redis(env.REDIS_URL!);
  await startApi({ ...env, API_PORT: String(port) });
  browser = await startChromium();
}, 180_000);
afterAll(async () => {
  redis?.disconnect();
  await browser?.close();
});
let ourUrls: string[];

/** A browser of its own. */
async function newPage(): Promise<Page> {
  const opened = await openWatched(browser);
  opened.page.on('close', () => complaints.push(...opened.complaints));
  return opened.page;
}

/** Logs in to the operations page, and returns once it is there. */
async function enterOperations(page: Page, name: string, at = url): Promise<void> {
  await page.goto(`${at}/admin/login?view=/failures`);
  await page.getByRole('link', { name: 'Log in with Clinic & Sons' }).click();
  await logInAtProvider(page, name);
  await page.waitForURL(`${at}/admin#/failures`);
}

/** Logs in to the chat page, and returns once it is there. */
async function enterChat(page: Page, name: string, at = url): Promise<void> {
  await page.goto(`${at}/`);
  await page.getByRole('link', { name: 'Sign in with Clinic & Sons' }).click();
  await logInAtProvider(page, name);
  await page.getByLabel('Your question').waitFor();
}

/** As the browser would be answered, with its cookies. */
const statusOf = async (page: Page, path: string, at = url) => (await page.request.get(at + path)).status();

/** Begins a login in the page's browser, and returns the address that the provider sends it to, without going there. */
async function callbackOf(page: Page, name: string, query = ''): Promise<string> {
  const follow = async (address: string, form?: Record<string, string>) => {
    const options = { maxRedirects: 0, ...(form && { form }) };
    const reply = await (form ? page.request.post(address, options) : page.request.get(address, options));
    return new URL(reply.headers().location!, address).href;
  };
  const form = await follow(await follow(`${url}/auth/oidc/login${query}`));
  return await follow(await follow(form, { name, acr: '' }));
}

/** The newest entries of the audit trail. */
async function trail(): Promise<Record<string, unknown>[]> {
  const entries = await redis.xrevrange('audit:trail', '+', '-', 'COUNT', 10);
  return entries.map(([, fields]) => JSON.parse(fields[fields.indexOf('entry') + 1]!));
}

/** Changes the stored account of the one user who has this email at the provider. */
async function changeAccount(email: string, change: (account: Account) => Account): Promise<void> {
  for (const key of await redis.keys(redisKeys.account('*'))) {
    const account = JSON.parse((await redis.get(key))!) as Account;
    if (account.provider?.email === email) await redis.set(key, JSON.stringify(change(account)));
  }
}

test('an operator logs in to the operations page at the identity provider, sees the view of the link, and Bull Board', async () => {
  const page = await newPage();
  await page.goto(`${url}/admin/login`);
  expect(await findProblems(page)).toEqual([]);
  await enterOperations(page, 'olga');
  expect(await statusOf(page, '/admin/me')).toBe(200);
  await page.goto(`${url}/admin/queues/queue/chat`);
  await page.getByText('chat').first().waitFor();
  expect(page.url()).toBe(`${url}/admin/queues/queue/chat`);
  await until('the trail has the login', async () =>
    (await trail()).some(({ action, outcome, details }) => {
      const { by } = (details ?? {}) as { by?: string };
      return action === 'login' && outcome === 'done' && by === 'oidc_admin_pages';
    }),
  );
  const me = await page.evaluate((address) => fetch(address).then((reply) => reply.json()), `${url}/admin/me`);
  expect(me).toMatchObject({ role: 'operator' });

  await page.goto(`${url}/admin`);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('link', { name: 'Log out at Clinic & Sons, too' }).waitFor();
  expect(await statusOf(page, '/admin/me')).toBe(401);
  expect(await findProblems(page)).toEqual([]);
  await page.close();
});

test('one of several roles counts, and an unknown one makes a user, who may not enter', async () => {
  const officer = await newPage();
  await enterOperations(officer, 'paul');
  const me = await officer.evaluate((address) => fetch(address).then((reply) => reply.json()), `${url}/admin/me`);
  expect(me).toMatchObject({ role: 'privacy_officer' });
  await officer.close();
  const user = await newPage();
  await user.goto(`${url}/auth/oidc/login?page=admin`);
  await logInAtProvider(user, 'ute');
  await user.getByText('This account may not use these pages.').waitFor();
  expect(await findProblems(user)).toEqual([]);
  expect(await statusOf(user, '/admin/me')).toBe(401);
  await user.close();
});

test('somebody logs in to the chat page, has an own login that refreshes and ends like any other, and keeps the account', async () => {
  const page = await newPage();
  await enterChat(page, 'ute');
  expect(page.url()).toBe(`${url}/#/`);
  await page.getByText('ute@clinic.example').waitFor();
  const user = await userOf(page, url);
  const { logins } = (await user.get('/auth/logins')).body as never as {
    logins: { current: boolean; endsAt: string }[];
  };
  expect(logins).toMatchObject([{ current: true }]);
  expect(Date.parse(logins[0]!.endsAt) - Date.now()).toBeLessThanOrEqual(12 * 3_600_000);
  const { refreshToken } = JSON.parse((await page.evaluate(`localStorage['healify:login']`)) as string);
  const refreshed = await postJson(`${url}/auth/refresh`, { refreshToken });
  expect(refreshed.body).toMatchObject({ userId: user.userId });
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await page.getByRole('link', { name: 'Sign in with Clinic & Sons' }).waitFor();
  await until('the token is refused', async () => (await user.get('/me')).status === 401);

  // The provider's own login goes on, so it does not ask again.
  await page.getByRole('link', { name: 'Sign in with Clinic & Sons' }).click();
  await page.getByLabel('Your question').waitFor();
  expect((await userOf(page, url)).userId).toBe(user.userId);
  await page.close();
});

test('somebody of the provider, who has no password here, is asked for none: not for the file of what is kept, nor to delete the account', async () => {
  const page = await newPage();
  await enterChat(page, 'vera');
  await page.getByRole('link', { name: 'Account' }).click();
  const part = (name: string) => page.getByRole('region', { name });
  await part('Where you are signed in').getByText('(this one)').waitFor();
  expect(await page.locator('input[type=password]').count()).toBe(0);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Get the file' }).click();
  await download;
  await page.getByRole('button', { name: 'Delete my account' }).click();
  await page.getByRole('button', { name: 'Delete everything' }).click();
  await page.getByText('Your account is deleted').waitFor();
  await page.close();
});

test('nobody gets into an own account because the provider says its email', async () => {
  const email = 'ute@clinic.example';
  const own = { email, password: 'three-brown-otters' };
  await postJson(`${url}/auth/register`, own);
  const { userId } = (await postJson(`${url}/auth/login`, own)).body as never as { userId: string };
  const page = await newPage();
  await enterChat(page, 'ute');
  expect((await userOf(page, url)).userId).not.toBe(userId);
  await page.close();
});

test('a login counts only in the browser that has begun it, and once', async () => {
  const attacker = await newPage();
  const callback = await callbackOf(attacker, 'paul');
  const victim = await newPage();
  await victim.goto(`${url}/auth/oidc/login`);
  await victim.goto(callback);
  await victim.getByText('began in another browser').waitFor();
  expect(await findProblems(victim)).toEqual([]);
  expect(await statusOf(victim, '/admin/me')).toBe(401);

  // The attacker's own login goes on, but the code for the page is of no use elsewhere either.
  let code = '';
  await attacker.route('**/auth/oidc/tokens', (route) => {
    ({ code } = route.request().postDataJSON() as { code: string });
    return route.abort();
  });
  await attacker.goto(callback);
  await until('the page has a code', () => code !== '');
  await victim.goto(`${url}/#/signed-in/${code}`);
  await victim.getByText('was used before, or has taken too long').waitFor();
  expect(await findProblems(victim)).toEqual([]);
  await victim.close();
  await attacker.goto(callback);
  await attacker.getByText('was used before').waitFor();
  await attacker.close();
});

test('the address to return to is never that of another site', async () => {
  const page = await newPage();
  for (const view of ['//evil.example', 'https://evil.example/', '/%0d%0aLocation:', 'javascript:alert(1)']) {
    await page.goto(`${url}/auth/oidc/login?page=admin&view=${encodeURIComponent(view)}`);
    if (page.url().startsWith(provider.issuer)) await logInAtProvider(page, 'olga');
    await page.waitForURL(`${url}/admin**`);
    expect(new URL(page.url()).origin).toBe(url);
  }
  await page.close();
});

test('a login may begin at one api and end at another', async () => {
  const other = await startApi({ ...env, API_PORT: new URL(ourUrls[1]!).port });
  const page = await newPage();
  const callback = await callbackOf(page, 'olga', '?page=admin');
  await page.goto(callback.replace(url, other.url));
  await page.waitForURL(`${other.url}/admin`);
  expect(await statusOf(page, '/admin/me', other.url)).toBe(200);
  await page.close();
});

test('under a path prefix, the way to the provider and back stays under it', async () => {
  const prefixed = ourUrls[2]!;
  const { port } = new URL(prefixed);
  await startApi({ ...env, API_PORT: port, BASE_PATH: '/healify', PUBLIC_URL: prefixed });
  const page = await newPage();
  await enterOperations(page, 'olga', prefixed);
  const chat = await newPage();
  await enterChat(chat, 'ute', prefixed);
  await page.close();
  await chat.close();
});

test('a role that the provider takes away is gone with the next login anywhere, or when nothing was heard of it for too long', async () => {
  const page = await newPage();
  await enterOperations(page, 'olga');
  await provider.change({ roles: { ...roles, olga: 'nurse' } });
  const elsewhere = await newPage();
  await enterChat(elsewhere, 'olga');
  expect(await statusOf(page, '/admin/me')).toBe(403);
  await until('the trail has the new role', async () =>
    (await trail()).some(({ action, details }) => {
      const { before, after } = (details ?? {}) as { before?: string; after?: string };
      return action === 'account.role' && before === 'operator' && after === 'user';
    }),
  );
  await provider.change({ roles });
  await elsewhere.close();

  const again = await page.context().newPage();
  // The provider's own login goes on, so it does not ask.
  await again.goto(`${url}/auth/oidc/login?page=admin`);
  await again.waitForURL(`${url}/admin`);
  expect(await statusOf(page, '/admin/me')).toBe(200);
  const longAgo = new Date(Date.now() - 31 * 60_000).toISOString();
  await changeAccount('olga@clinic.example', ({ provider: _, ...account }) => ({
    ...account,
    provider: { confirmedAt: longAgo, email: 'olga@clinic.example' },
  }));
  expect(await statusOf(page, '/admin/me')).toBe(401);
  await page.close();
});

test('a disabled account gets in nowhere, and its tokens end', async () => {
  const page = await newPage();
  await enterChat(page, 'dora');
  const user = await userOf(page, url);
  const command = await startScript('src/main/users.ts', ['disable', '--user-id', user.userId], {
    REDIS_URL: env.REDIS_URL!,
  });
  await command.exited;
  await until('the token is refused', async () => (await user.get('/me')).status === 401);
  const disabled = await redis.get(redisKeys.account(user.userId));
  await page.goto(`${url}/auth/oidc/login`);
  await page.getByText('This account is disabled.').waitFor();
  // Admins are not told of a login that there was not.
  expect(await redis.get(redisKeys.account(user.userId))).toBe(disabled);
  await page.close();
});

test('nobody gives a role to somebody whose role the provider says', async () => {
  const page = await newPage();
  await enterChat(page, 'rita');
  const { userId } = await userOf(page, url);
  const command = await startScript('src/main/users.ts', ['grant-admin', '--user-id', userId], {
    REDIS_URL: env.REDIS_URL!,
  });
  await command.exited;
  expect(command.output()).toContain('identity provider');
  const account = JSON.parse((await redis.get(redisKeys.account(userId)))!) as Account;
  expect(account.role).toBe('user');
  await page.close();
});

test('whoever logs out at the provider is logged out here at once', async () => {
  const [page, chat] = [await newPage(), await newPage()];
  await enterOperations(page, 'paul');
  await chat.context().addCookies(await page.context().cookies());
  await chat.goto(`${url}/auth/oidc/login`);
  await chat.getByLabel('Your question').waitFor();
  const user = await userOf(chat, url);
  expect((await user.get('/me')).status).toBe(200);
  await page.goto(`${url}/auth/oidc/logout?page=admin`);
  await page.getByRole('button', { name: /sign me out/i }).click();
  await page.waitForURL(`${url}/admin/login`);
  await until('the token is refused', async () => (await user.get('/me')).status === 401);
  expect(await statusOf(page, '/admin/me')).toBe(401);
  // A login that has ended does not come back with the next one.
  const again = await newPage();
  await enterOperations(again, 'paul');
  expect(await statusOf(again, '/admin/me')).toBe(200);
  expect(await statusOf(page, '/admin/me')).toBe(401);
  await again.close();
  await page.close();
  await chat.close();
});

test('whoever logs out at the provider before the chat page has its tokens is logged out as well', async () => {
  const page = await newPage();
  let code = '';
  await page.route('**/auth/oidc/tokens', (route) => {
    ({ code } = route.request().postDataJSON() as { code: string });
    return route.abort();
  });
  await page.goto(await callbackOf(page, 'sam'));
  await until('the page has a code', () => code !== '');
  await page.goto(`${url}/auth/oidc/logout?page=admin`);
  await page.getByRole('button', { name: /sign me out/i }).click();
  await page.waitForURL(`${url}/admin/login`);
  const reply = await page.request.post(`${url}/auth/oidc/tokens`, { data: { code } });
  expect(await reply.json()).toMatchObject({ code: 'sign_in_unknown' });
  await page.close();
});

test('a forged word of a logout ends nothing', async () => {
  const post = (body: Record<string, string>) =>
    call(`${url}/auth/oidc/backchannel-logout`, { method: 'POST', body: new URLSearchParams(body) });
  expect((await post({ logout_token: 'a.b.c' })).body).toMatchObject({ code: 'identity_refused' });
  expect((await post({})).body).toMatchObject({ code: 'validation_failed' });
});

test('where a stronger login is demanded, a weaker one gets nobody in', async () => {
  const port = await freePort();
  const own = `http://127.0.0.1:${port}`;
  const strict = await startOpenIdProvider([own]);
  await strict.change({ roles });
  const settings = { ...env, ...providerSettings(strict.issuer, own), OIDC_ACR_VALUES: 'urn:test:two-factors' };
  await startApi({ ...settings, OIDC_MAX_AGE: '1h', API_PORT: String(port) });
  const page = await newPage();
  await page.goto(`${own}/auth/oidc/login?page=admin`);
  await logInAtProvider(page, 'olga');
  await page.getByText('needs a stronger login').waitFor();
  await page.context().clearCookies();
  await page.goto(`${own}/auth/oidc/login?page=admin`);
  await logInAtProvider(page, 'olga', 'urn:test:two-factors');
  await page.waitForURL(`${own}/admin`);
  await page.close();
});

test('while the provider is away, an api starts, passwords work and a page says what to do; then logins work without a restart', async () => {
  const [port, providerPort] = [await freePort(), await freePort()];
  const own = `http://127.0.0.1:${port}`;
  await startApi({ ...env, ...providerSettings(`http://localhost:${providerPort}`, own), API_PORT: String(port) });
  const credentials = await register(own);
  expect((await postJson(`${own}/auth/login`, credentials)).status).toBe(200);
  const page = await newPage();
  const reply = await page.goto(`${own}/auth/oidc/login`);
  expect(reply!.status()).toBe(503);
  await page.getByText('cannot be reached at the moment').waitFor();
  expect(await page.textContent('main')).toContain('If you have a password here');
  const late = await startOpenIdProvider([own], providerPort);
  await page.getByRole('link', { name: 'Try again' }).click();
  await logInAtProvider(page, 'ute');
  await page.getByLabel('Your question').waitFor();
  await late.kill();
  await page.close();
});

test('where passwords are switched off, nothing asks for one, and the operations page goes to the provider by itself', async () => {
  const port = await freePort();
  const own = `http://127.0.0.1:${port}`;
  const only = await startOpenIdProvider([own]);
  await only.change({ roles });
  const settings = { ...env, ...providerSettings(only.issuer, own), PASSWORD_LOGIN: 'false' };
  await startApi({ ...settings, API_PORT: String(port) });
  const credentials = { email: 'somebody@example.com', password: 'three-brown-otters' };
  for (const path of ['login', 'register', 'password/forgotten']) {
    const { status, body } = await postJson(`${own}/auth/${path}`, credentials);
    expect([status, body.code]).toEqual([403, 'password_login_off']);
  }
  const page = await newPage();
  await page.goto(`${own}/`);
  await page.getByRole('link', { name: 'Sign in with Clinic & Sons' }).waitFor();
  await page.getByLabel('Password').waitFor({ state: 'detached' });
  expect(await findProblems(page)).toEqual([]);
  await page.goto(`${own}/admin/login`);
  expect(await page.getByLabel('Password').count()).toBe(0);
  await page.goto(`${own}/admin/login?expired=&view=/jobs`);
  await logInAtProvider(page, 'olga');
  await page.waitForURL(`${own}/admin#/jobs`);
  await page.close();
});

test('no page breaks its policy', () => {
  // Bull Board asks for fonts of another site, and does without them.
  expect(complaints.filter((each) => !each.includes('fonts.googleapis.com'))).toEqual([]);
});
