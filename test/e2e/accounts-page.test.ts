import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { postJson, register, signUp, type TestUser } from '../api-client.ts';
import { logIn, type Operations, openWatched, startOperations } from '../operations.ts';
import { until } from '../until.ts';

let all: Operations;
let page: Page;
let complaints: string[];
let admin: { email: string; password: string };

beforeAll(async () => {
  all = await startOperations();
  admin = await all.addAccount('admin');
  await all.addAccount('privacy_officer');
  ({ page, complaints } = await openWatched(all.browser));
  await page.goto(`${all.api.url}/admin`);
  await logIn(page, admin);
  await page.getByRole('heading', { name: 'The line' }).waitFor();
}, 180_000);
afterAll(async () => {
  await all?.browser.close();
});

async function show(view: string): Promise<void> {
  await page.goto(`${all.api.url}/admin#${view}`);
}

const inMain = () => page.getByRole('main');

/** Shows the list, and searches for a part of an email. An earlier search does not count any more. */
async function search(part: string): Promise<void> {
  await show('/');
  await page.getByRole('heading', { name: 'The line' }).waitFor();
  await show('/accounts');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByLabel('Email').fill(part);
  await page.getByRole('button', { name: 'Search' }).click();
}

/** Finds somebody by their email, and opens the account. */
async function open(email: string): Promise<void> {
  await search(email);
  await inMain().getByRole('link', { name: email }).click();
  await page.getByRole('heading', { name: 'Facts' }).waitFor();
}

const dialog = () => page.getByRole('dialog');

/** Opens a dialog, reads what would happen, confirms, and reads what has happened. */
async function act(opener: string | RegExp, confirm: string): Promise<[forecast: string, outcome: string]> {
  await page.getByRole('button', { name: opener }).click();
  const button = dialog().getByRole('button', { name: confirm });
  await button.waitFor();
  const forecast = (await dialog().getByRole('status').textContent())!;
  await button.click();
  await dialog().getByRole('button', { name: 'Close' }).waitFor();
  const outcome = (await dialog().getByRole('status').textContent())!;
  await dialog().getByRole('button', { name: 'Close' }).click();
  return [forecast, outcome];
}

/** Somebody new, who is logged in. */
async function person(): Promise<{ email: string; password: string; user: TestUser }> {
  const user = await signUp(all.api.url);
  const { email } = (await user.get('/me')).body as unknown as { email: string };
  return { email, password: 'three-brown-otters', user };
}

test('the page says who is logged in and as what, and leads to their own account', async () => {
  await show('/');
  await page.getByRole('link', { name: admin.email }).waitFor();
  expect(await page.locator('.who').textContent()).toMatch(/admin@example.com.*admin/);
  expect(await page.getByRole('link', { name: admin.email }).getAttribute('href')).toBe('./#/account');
});

test('an admin finds accounts by a part of the email, narrows the list, and comes back to the search', async () => {
  const part = randomUUID();
  const found = [];
  for (const name of ['one', 'two']) {
    const credentials = { email: `${name}-${part}@example.com`, password: 'three-brown-otters' };
    await postJson(`${all.api.url}/auth/register`, credentials);
    found.push(credentials.email);
  }
  await search(part.toUpperCase());
  await page.getByText('2 accounts, by email.').waitFor();
  await inMain().getByRole('link', { name: found[0]! }).click();
  await page.getByRole('heading', { name: found[0]! }).waitFor();
  await page.goBack();
  await page.getByText('2 accounts, by email.').waitFor();
  expect(page.url()).not.toContain(part);
  await page.getByLabel('State').selectOption('disabled');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByText('No account matches.').waitFor();
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByLabel('Role').selectOption('privacy_officer');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('link', { name: 'privacy_officer@example.com' }).waitFor();
});

test('a long list comes page by page', async () => {
  const part = randomUUID();
  for (let i = 0; i < 60; i++) {
    await postJson(`${all.api.url}/auth/register`, {
      email: `${i}-${part}@example.com`,
      password: 'three-brown-otters',
    });
  }
  await search(part);
  await page.getByText('50 accounts, and more, by email.').waitFor();
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByText('60 accounts, by email.').waitFor();
}, 90_000);

test('an admin disables an account, which logs it out, and enables it again', async () => {
  const { email, password, user } = await person();
  await open(email);
  const [forecast, outcome] = await act('Disable …', 'Disable the account');
  expect(forecast).toContain(`${email} is logged out everywhere (1 open login,`);
  expect(outcome).toContain('The account is disabled');
  await until('the token is refused', async () => (await user.get('/me')).status === 401);
  await page.getByText('Disabled', { exact: true }).first().waitFor();
  await act('Enable …', 'Enable the account');
  expect((await postJson(`${all.api.url}/auth/login`, { email, password })).status).toBe(200);
  const [, ended] = await act('End logins …', 'End all logins');
  expect(ended).toContain('All logins have ended.');
});

test('an admin changes a role, and is told what it may do before', async () => {
  const { email, user } = await person();
  await open(email);
  await page.getByRole('button', { name: 'Change the role …' }).click();
  await dialog().getByText('It is user now.').waitFor();
  await dialog().getByLabel('Role').selectOption('operator');
  await dialog().getByText('an operator sees no texts').waitFor();
  await dialog().getByRole('button', { name: 'Make operator' }).click();
  await dialog().getByText('The role is operator now.').waitFor();
  await dialog().getByRole('button', { name: 'Close' }).click();
  expect((await user.get('/admin/me')).body).toMatchObject({ role: 'operator' });
});

test('an admin erases a user once they have read what will go', async () => {
  const { email, password, user } = await person();
  await user.send({ message: 'What is healthy?' }, { Prefer: 'wait=20' });
  await open(email);
  const [forecast, outcome] = await act('Erase …', 'Erase for ever');
  expect(forecast).toContain(`Everything that is kept of ${email} is erased for ever: 1 account, 1 logins`);
  expect(forecast).toMatch(/1 conversations, 1 turns/);
  expect(outcome).toMatch(/Everything is erased|It has begun/);
  await page.getByText('This account was erased.').waitFor();
  await until(
    'it is erased',
    async () => (await postJson(`${all.api.url}/auth/login`, { email, password })).status === 401,
  );
}, 60_000);

test('nobody disables, demotes or erases themselves there', async () => {
  await open(admin.email);
  await page.getByText('This is you.').waitFor();
  for (const name of ['Disable …', 'Change the role …', 'Erase …']) {
    expect([name, await page.getByRole('button', { name }).count()]).toEqual([name, 0]);
  }
});

// axe itself breaks them.
test('the page breaks none of its own rules', () => {
  expect(complaints).toEqual([]);
});

/** What axe-core finds on the page that is shown. */
async function problems(): Promise<string[]> {
  await page.evaluate(axe.source);
  const run = 'axe.run(document, { resultTypes: ["violations"] })';
  const { violations } = (await page.evaluate(run)) as axe.AxeResults;
  return violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

test.each(['light', 'dark'] as const)(
  'in %s, axe finds nothing wrong with the list, an account or a dialog',
  async (colorScheme) => {
    const { email } = await register(all.api.url);
    await page.emulateMedia({ colorScheme });
    await search('example.com');
    await inMain().getByRole('link', { name: /@/ }).nth(2).waitFor();
    expect(await problems()).toEqual([]);
    await open(email);
    expect(await problems()).toEqual([]);
    for (const [opener, forecast] of [
      ['Change the role …', 'It is user now.'],
      ['Erase …', 'is erased for ever'],
    ] as const) {
      await page.getByRole('button', { name: opener }).click();
      await dialog().getByText(forecast).waitFor();
      expect([opener, await problems()]).toEqual([opener, []]);
      await page.keyboard.press('Escape');
    }
  },
  60_000,
);

test.each([320, 360, 768])(
  'at a width of %i pixels nothing has to be scrolled sideways',
  async (width) => {
    await page.setViewportSize({ width, height: 740 });
    await search('example.com');
    await inMain().getByRole('link', { name: /@/ }).nth(2).waitFor();
    const scrollWidth = () => page.evaluate('document.documentElement.scrollWidth');
    expect(await scrollWidth()).toBe(width);
    await open('operator@example.com');
    expect(await scrollWidth()).toBe(width);
    await page.setViewportSize({ width: 1280, height: 900 });
  },
  60_000,
);

test('somebody whose role may not see accounts is not shown the way there, and is told why there is nothing', async () => {
  const { page: other } = await openWatched(all.browser);
  await other.goto(`${all.api.url}/admin#/accounts`);
  await logIn(other);
  await other.getByRole('link', { name: 'operator@example.com' }).waitFor();
  await other.goto(`${all.api.url}/admin#/accounts`);
  await other.getByText('Your role may not see accounts. An admin may.').waitFor();
  expect(await other.getByRole('link', { name: 'Accounts' }).count()).toBe(0);
  await other.context().close();
});
