import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Download, Page } from 'playwright-core';
import type { ExportLine } from '../../src/contracts/http/export-lines.ts';
import { redisKeys } from '../../src/contracts/redis-keys.ts';
import { postJson } from '../api-client.ts';
import { ask, type ChatProduct, findProblems, openChat, startChat, userOf, waitForStatus } from '../chat-page.ts';
import { startMailServer } from '../mail-server.ts';
import { testRedisUrl } from '../services.ts';
import { codeOf, setUpSecondFactor } from '../totp.ts';
import { until } from '../until.ts';

const NEW_PASSWORD = 'four-green-badgers';

let all: ChatProduct;
let redis: Redis;
beforeAll(async () => {
  const redisUrl = await testRedisUrl();
  redis = new Redis(redisUrl);
  all = await startChat({ REDIS_URL: redisUrl });
}, 180_000);
afterAll(async () => {
  redis?.disconnect();
  await all?.browser.close();
});

/** Somebody new, who has opened their account. */
async function openAccount(options: Parameters<ChatProduct['browser']['newPage']>[0] = {}) {
  const opened = await openChat(all.browser, all.api.url, options);
  await opened.page.getByRole('link', { name: 'Account' }).click();
  await opened.page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
  return opened;
}

async function signIn(page: Page, { email, password }: { email: string; password: string }) {
  await page.getByLabel('Email').fill(email);
  const field = page.getByLabel('Password');
  expect([await field.getAttribute('type'), await field.getAttribute('autocomplete')]).toEqual([
    'password',
    'current-password',
  ]);
  await field.fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const part = (page: Page, name: string) => page.getByRole('region', { name });

/** Sets an authenticator app up on the page, and returns its address and the recovery codes. */
async function setUpOnPage(page: Page, password: string) {
  const app = part(page, 'Authenticator app');
  await app.getByLabel('Your password').fill(password);
  await app.getByRole('button', { name: 'Set it up' }).click();
  await app.getByRole('img', { name: 'QR code' }).waitFor();
  const secret = (await app.locator('.secret').textContent())!.replaceAll(' ', '');
  const uri = `otpauth://totp/app?secret=${secret}`;
  expect(await page.evaluate(`document.activeElement.contains(document.querySelector('.qr'))`)).toBe(true);
  await app.getByRole('textbox', { name: 'Code' }).fill(codeOf(uri));
  await app.getByRole('button', { name: 'Confirm' }).click();
  const codes = app.getByRole('list', { name: 'Recovery codes' }).locator('li');
  await codes.first().waitFor();
  return { uri, recoveryCodes: await codes.allTextContents() };
}

test('a user sets up an authenticator app, signs in with it, and removes it', async () => {
  const { page, account, complaints } = await openAccount();
  const app = part(page, 'Authenticator app');
  await app.getByLabel('Your password').fill('not the password');
  await app.getByRole('button', { name: 'Set it up' }).click();
  await app.getByText('The password is wrong.').waitFor();
  const { uri, recoveryCodes } = await setUpOnPage(page, account.password);
  expect(recoveryCodes).toHaveLength(10);
  await app.getByRole('button', { name: 'I have kept them' }).click();
  await app.getByText('10 recovery codes are left').waitFor();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn(page, account);
  const code = page.getByLabel('Code');
  await code.waitFor();
  await until('the focus is at the code', () => page.evaluate<boolean>(`document.activeElement.name === 'totp'`));
  await code.fill('000000x');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The code is wrong').waitFor();
  await code.fill(codeOf(uri, 1));
  await page.keyboard.press('Enter');
  await part(page, 'Authenticator app').waitFor();

  await app.getByRole('button', { name: 'Remove the app' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your password').fill(account.password);
  await dialog.getByLabel('Code').fill(recoveryCodes[0]!);
  await dialog.getByRole('button', { name: 'Remove it' }).click();
  await app.getByRole('button', { name: 'Set it up' }).waitFor();
  // The replies that refused something are no faults of the page.
  expect(complaints.filter((each) => !/status of 40[13]/.test(each))).toEqual([]);
  await page.context().close();
});

test('a user gets new recovery codes', async () => {
  const { page, account } = await openChat(all.browser, all.api.url);
  const { recoveryCodes } = await setUpSecondFactor(await userOf(page, all.api.url), account.password);
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByRole('button', { name: 'New recovery codes' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your password').fill(account.password);
  await dialog.getByLabel('Code').fill(recoveryCodes[3]!);
  await dialog.getByRole('button', { name: 'Make new ones' }).click();
  const shown = page.getByRole('list', { name: 'Recovery codes' }).locator('li');
  await shown.first().waitFor();
  const made = await shown.allTextContents();
  expect(made.filter((code) => recoveryCodes.includes(code))).toEqual([]);
  await page.context().close();
});

test('a user changes the password, sees where they are signed in, and ends that', async () => {
  const { page, account } = await openAccount();
  const elsewhere = await postJson(`${all.api.url}/auth/login`, account, {
    'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  });
  const { refreshToken } = elsewhere.body as unknown as { refreshToken: string };
  await page.reload();
  const logins = part(page, 'Where you are signed in');
  await logins.getByText('Firefox on Linux').first().waitFor();
  expect(await logins.locator('li').count()).toBe(2);
  await logins.getByRole('button', { name: 'End the login of Firefox on Linux' }).click();
  await logins.getByText('The login has ended.').waitFor();
  expect(await logins.locator('li').count()).toBe(1);
  expect((await postJson(`${all.api.url}/auth/refresh`, { refreshToken })).status).toBe(401);

  await postJson(`${all.api.url}/auth/login`, account);
  const password = part(page, 'Password');
  await password.getByLabel('Present password').fill(account.password);
  await password.getByLabel('New password').fill('password1234');
  await password.getByRole('button', { name: 'Change the password' }).click();
  await password.getByText('too easy to guess').waitFor();
  await password.getByLabel('New password').fill(NEW_PASSWORD);
  await password.getByRole('button', { name: 'Change the password' }).click();
  await password.getByText('Your password is changed').waitFor();
  expect((await postJson(`${all.api.url}/auth/login`, account)).status).toBe(401);
  expect((await postJson(`${all.api.url}/auth/login`, { ...account, password: NEW_PASSWORD })).status).toBe(200);
  await page.reload();
  await logins.getByRole('button', { name: 'End all others' }).click();
  await logins.getByText('All other logins have ended.').waitFor();
  expect(await logins.locator('li').count()).toBe(1);
  await page.context().close();
});

const linesOf = async (download: Download) =>
  (await readFile(await download.path(), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportLine);

/** As if the page's user had signed in long ago, and the page had refreshed its token since. */
async function ageLogin(page: Page): Promise<void> {
  const kept = JSON.parse((await page.evaluate(`localStorage['healify:login']`)) as string);
  const family = redisKeys.refreshFamily(kept.refreshToken.split('.')[0]);
  await redis.hset(family, 'startedAt', Date.now() - 11 * 60_000);
  await page.evaluate(`localStorage['healify:login'] = ${JSON.stringify(JSON.stringify({ ...kept, expiresAt: 0 }))}`);
}

test('a user saves everything that is kept of them; after ten minutes, only with the password and the code', async () => {
  const { page, account, complaints } = await openAccount();
  const kept = part(page, 'What is kept of you');
  const get = kept.getByRole('button', { name: 'Get the file' });
  const [first] = await Promise.all([page.waitForEvent('download'), get.click()]);
  expect(first.suggestedFilename()).toMatch(/^healify-chat-\d{4}-\d\d-\d\d\.ndjson$/);
  const lines = await linesOf(first);
  expect(lines.at(-1)).toMatchObject({ type: 'end', complete: true });
  const items = lines.flatMap((line) => (line.type === 'item' && line.kind === 'account' ? [line.item] : []));
  expect(items).toMatchObject([{ email: account.email }]);
  await kept.getByText('The file is saved').waitFor();

  const { uri } = await setUpSecondFactor(await userOf(page, all.api.url), account.password);
  await ageLogin(page);
  await get.click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your password').fill('not the password');
  await dialog.getByRole('button', { name: 'Get the file' }).click();
  await dialog.getByText('The password is wrong.').waitFor();
  expect(await findProblems(page)).toEqual([]);
  await dialog.getByLabel('Your password').fill(account.password);
  await dialog.getByRole('button', { name: 'Get the file' }).click();
  await dialog.getByLabel('Code').fill(codeOf(uri, 1));
  const again = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Get the file' }).click();
  expect((await linesOf(await again)).at(-1)).toMatchObject({ type: 'end', complete: true });
  await dialog.waitFor({ state: 'detached' });
  // The login that was too old has ended.
  const user = await userOf(page, all.api.url);
  expect((await user.get('/auth/logins')).body).toMatchObject({ logins: [{ current: true }] });
  expect(complaints.filter((each) => !/status of 40[13]/.test(each))).toEqual([]);
  await page.context().close();
});

test('a user deletes the account, and is given the number of the receipt', async () => {
  const { page, account } = await openAccount();
  await page.getByRole('button', { name: 'Delete my account' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your password').fill('not the password');
  await dialog.getByRole('button', { name: 'Delete everything' }).click();
  await dialog.getByText('The password is wrong.').waitFor();
  await dialog.getByLabel('Your password').fill(account.password);
  await dialog.getByRole('button', { name: 'Delete everything' }).click();
  const erasureId = await page.getByText('Your account is deleted').locator('code').textContent();
  const receipt = await fetch(`${all.api.url}/erasures/${erasureId}`);
  expect(receipt.status).toBe(200);
  expect((await postJson(`${all.api.url}/auth/login`, account)).status).toBe(401);
  await page.context().close();
});

test.each(['light', 'dark'] as const)(
  'in %s, axe finds nothing on the account, and at 320 pixels nothing has to be scrolled sideways',
  async (colorScheme) => {
    const { page, account } = await openAccount({ colorScheme, viewport: { width: 1280, height: 900 } });
    const look = async () => {
      expect(await findProblems(page)).toEqual([]);
      await page.setViewportSize({ width: 320, height: 740 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
      expect(
        await page.evaluate(
          `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('.account'))`,
        ),
      ).toBe(0);
      await page.setViewportSize({ width: 1280, height: 900 });
    };
    await part(page, 'Where you are signed in').locator('li').waitFor();
    await look();
    const app = part(page, 'Authenticator app');
    await app.getByLabel('Your password').fill(account.password);
    await app.getByRole('button', { name: 'Set it up' }).click();
    await app.getByRole('img', { name: 'QR code' }).waitFor();
    await look();
    await page.reload();
    await setUpOnPage(page, account.password);
    await look();
    await app.getByRole('button', { name: 'I have kept them' }).click();
    await app.getByRole('button', { name: 'Remove the app' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await findProblems(page)).toEqual([]);
    await page.context().close();
  },
);

test('somebody whose email is not verified is told so, opens the link of the mail, and asks', async () => {
  const mailServer = await startMailServer();
  try {
    const settings = { ...mailServer.settings, VERIFIED_MAIL: 'required', PUBLIC_URL: 'https://chat.example.com' };
    const { url } = await all.startAnotherApi(settings);
    const { page, account } = await openChat(all.browser, url);
    const notice = page.getByText('you can ask no question');
    await notice.waitFor();
    expect(await findProblems(page)).toEqual([]);
    const token = await mailServer.tokenFor(account.email);
    const before = mailServer.mails.length;
    await page.getByRole('button', { name: 'Send it again' }).click();
    await page.getByText('It is on its way.').waitFor();
    await mailServer.tokenFor(account.email, before);

    await page.goto(`${url}/#/verify/${token}`);
    await page.reload();
    await page.getByRole('button', { name: 'Yes, verify it' }).waitFor();
    expect(await findProblems(page)).toEqual([]);
    await page.getByRole('button', { name: 'Yes, verify it' }).click();
    await page.getByText('Your email is verified.').waitFor();
    await page.getByRole('button', { name: 'Go to the chat' }).click();
    await ask(page, 'Is water healthy?');
    await waitForStatus(page, 'completed');
    expect(await notice.count()).toBe(0);
    await page.context().close();
  } finally {
    await mailServer.close();
  }
});

test('by keyboard alone, a user goes to the account and back to a conversation', async () => {
  const { page } = await openChat(all.browser, all.api.url);
  const focused = (what: string) => page.evaluate<string>(`document.activeElement.${what}`);
  await page.getByRole('link', { name: 'Account' }).focus();
  await page.keyboard.press('Enter');
  await until('the focus is at the heading', async () => (await focused('textContent')) === 'Account');
  await page.keyboard.press('Tab');
  await until('the focus is in the account', async () => (await focused('name')) === 'password');
  await page.goBack();
  await page.getByLabel('Your question').waitFor();
  await page.goForward();
  await page.getByRole('button', { name: 'New conversation' }).focus();
  await page.keyboard.press('Enter');
  await until('the focus is where one writes', async () => (await focused('id')) === 'question');
  await page.context().close();
});
