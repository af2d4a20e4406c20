import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { startChromium } from '../../tools/services/chromium.ts';
import { logIn, type Operations, openWatched, startOperations } from '../operations.ts';

const QUESTION = 'Is this a secret? [[simulate status=400]]';
const REASON = 'The patient asked about this answer, case 4711.';

let all: Operations;
let story: string;
beforeAll(async () => {
  all = await startOperations();
  const failed = await all.user.send({ message: QUESTION }, { Prefer: 'wait=20' });
  story = `/jobs/${failed.body.requestId}`;
}, 180_000);
afterAll(() => all?.browser.close());

async function pageOf(
  who?: Awaited<ReturnType<Operations['addAccount']>>,
  browser = all.browser,
): Promise<{ page: Page; complaints: string[] }> {
  const watched = await openWatched(browser);
  await watched.page.goto(`${all.api.url}/admin`);
  await watched.page.waitForURL('**/admin/login');
  await logIn(watched.page, who);
  // Going on at once would break the login off.
  await watched.page.waitForURL((url) => !url.pathname.endsWith('/login'));
  await watched.page.goto(`${all.api.url}/admin#${story}`);
  await watched.page.getByRole('heading', { name: 'Attempts and steps' }).waitFor();
  return watched;
}

test('a privacy officer says why and reads a conversation, and has no buttons for the work', async () => {
  const { page, complaints } = await pageOf(await all.addAccount('privacy_officer'));
  await page.getByRole('link', { name: 'Read the conversation' }).click();
  expect(await page.getByText(QUESTION).count()).toBe(0);
  await page.getByLabel('Reason').fill(REASON);
  await page.getByRole('button', { name: 'Read it' }).click();
  await page.getByRole('listitem').getByText(QUESTION).waitFor();
  await page.goBack();
  await page.getByRole('link', { name: 'Read the conversation' }).waitFor();
  expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('an operator retries, sees no text, and takes access in an emergency', async () => {
  const { page } = await pageOf();
  await page.getByRole('button', { name: 'Retry' }).waitFor();
  expect(await page.getByRole('link', { name: 'Read the conversation' }).count()).toBe(0);
  await page.getByRole('link', { name: 'Texts' }).click();
  await page.getByText('Your role may not read texts').waitFor();
  await page.getByLabel('Reason').fill(REASON);
  await page.getByRole('button', { name: 'Take access' }).click();
  await page.getByText('You have taken access in an emergency').waitFor();
  await page.getByRole('button', { name: 'Read it' }).waitFor();
});

test('an admin sees how the work stands, and has no buttons for it but those of settings', async () => {
  const { page } = await pageOf(await all.addAccount('admin'));
  expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(0);
  await page.goto(`${all.api.url}/admin#/`);
  await page.getByRole('button', { name: 'Pause …' }).waitFor();
});

test('after the logout, the back button does not bring back what somebody has read', async () => {
  const browser = await startChromium({ keepsPages: true });
  const { page } = await pageOf(await all.addAccount('privacy_officer'), browser);
  await page.getByRole('link', { name: 'Read the conversation' }).click();
  await page.getByLabel('Reason').fill(REASON);
  await page.getByRole('button', { name: 'Read it' }).click();
  await page.getByRole('listitem').getByText(QUESTION).waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL('**/admin/login');
  const again = page.waitForRequest('**/admin');
  await page.evaluate('history.back()');
  // The browser asks for the page again, and has not kept it.
  await again;
  expect(await page.getByText(QUESTION).count()).toBe(0);
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  await browser.close();
});
