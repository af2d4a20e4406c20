import { afterAll, beforeAll, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { startChromium } from '../../tools/services/chromium.ts';
import { postJson } from '../api-client.ts';
import { logIn, openWatched } from '../operations.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

const ADMIN = { email: 'admin@example.com', password: 'three-brown-otters' };
let env: Record<string, string>;
let api: TestProcess;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl(), RATE_LOGIN_PER_MINUTE: '1000' };
  api = await startApi({ ...env, REGISTRATION: 'invite' });
  const args = ['add', '--email', ADMIN.email, '--password-env', 'PASSWORD', '--role', 'admin'];
  const made = await startScript('src/main/users.ts', args, { REDIS_URL: env.REDIS_URL!, PASSWORD: ADMIN.password });
  await made.exited;
  browser = await startChromium();
  ({ page, complaints } = await openWatched(browser));
  await page.goto(`${api.url}/admin#/accounts`);
  await logIn(page, ADMIN);
  await page.getByRole('heading', { name: 'The line' }).or(page.getByLabel('Email')).first().waitFor();
  await page.goto(`${api.url}/admin#/accounts`);
}, 180_000);
afterAll(() => browser?.close());

const dialog = () => page.getByRole('dialog');

/** Makes an invite, and leaves the dialog open. Returns the link. */
async function invite(): Promise<string> {
  await page.getByRole('button', { name: 'Invite somebody …' }).click();
  await dialog().getByText('can make one account').waitFor();
  await dialog().getByRole('button', { name: 'Make the link' }).click();
  await dialog().getByText('is not shown again').waitFor();
  return (await dialog().locator('code').textContent())!;
}

test('an admin invites somebody, who makes one account with the link', async () => {
  const link = await invite();
  await dialog().getByRole('button', { name: 'Close' }).click();
  expect(await page.content()).not.toContain(link);
  expect(link.startsWith(`${api.url}/#/invite/`)).toBe(true);
  const { page: guest } = await openWatched(browser);
  await guest.goto(link);
  await guest.getByLabel('Email').fill('guest@example.com');
  await guest.getByLabel('Password').fill('three-brown-otters');
  await guest.getByRole('button', { name: 'Make an account' }).click();
  await guest.getByLabel('Your question').waitFor();
  expect(guest.url()).not.toContain('invite');
  await guest.context().close();
  const again = { email: 'again@example.com', password: 'three-brown-otters', invite: link.split('/').at(-1) };
  expect((await postJson(`${api.url}/auth/register`, again)).body.code).toBe('invite_invalid');
});

test('the page breaks none of its own rules', () => {
  expect(complaints).toEqual([]);
});

test.each(['light', 'dark'] as const)('in %s, axe finds nothing wrong with the dialog', async (colorScheme) => {
  await page.emulateMedia({ colorScheme });
  await invite();
  await page.evaluate(axe.source);
  const run = 'axe.run(document, { resultTypes: ["violations"] })';
  const { violations } = (await page.evaluate(run)) as axe.AxeResults;
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  await dialog().getByRole('button', { name: 'Close' }).click();
});

test.each([320, 768])('at a width of %i pixels nothing has to be scrolled sideways', async (width) => {
  await page.setViewportSize({ width, height: 740 });
  await invite();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  const overflow = 'document.querySelector("dialog").scrollWidth - document.querySelector("dialog").clientWidth';
  expect(await page.evaluate(overflow)).toBe(0);
  await dialog().getByRole('button', { name: 'Close' }).click();
});

test('where everybody may make an account, nobody is invited', async () => {
  const open = await startApi({ ...env, REGISTRATION: 'open' });
  const { page: other } = await openWatched(browser);
  await other.goto(`${open.url}/admin#/accounts`);
  await logIn(other, ADMIN);
  await other.goto(`${open.url}/admin#/accounts`);
  await other.getByText('by email.').waitFor();
  expect(await other.getByRole('button', { name: 'Invite somebody …' }).count()).toBe(0);
  await other.context().close();
});
