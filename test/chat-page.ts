import { randomUUID } from 'node:crypto';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { startChromium } from '../tools/services/chromium.ts';
import { type Reply, type TestUser, userWith } from './api-client.ts';
import { openWatched } from './operations.ts';
import { startApi, startSimulatorProcess, startWorker } from './processes.ts';
import { testRabbitMqUrl, testRedisUrl } from './services.ts';

/** The whole product with a chat page, and a browser. The test closes the browser. */
export async function startChat(settings: Record<string, string> = {}) {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    RATE_READ_PER_MINUTE: '100000',
    RATE_SEND_PER_MINUTE: '10000',
    RATE_LOGIN_PER_MINUTE: '1000',
    ...settings,
  };
  const [simulator, browser] = await Promise.all([startSimulatorProcess(), startChromium()]);
  const startAnotherApi = (more: Record<string, string> = {}) => startApi({ ...env, ...more });
  const startAnotherWorker = () => startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.url });
  const [api, worker] = await Promise.all([startAnotherApi(), startAnotherWorker()]);
  return { api, worker, simulator, startAnotherApi, startAnotherWorker, browser };
}

export type ChatProduct = Awaited<ReturnType<typeof startChat>>;

/** Opens the page and makes an account in it. `account` has its email and its password. */
export async function openChat(browser: Browser, url: string, options: Parameters<Browser['newPage']>[0] = {}) {
  const opened = await openWatched(browser, options);
  await opened.page.goto(url);
  const account = await signUp(opened.page);
  return { ...opened, account };
}

/** Makes an account, on the page that asks for a login. */
export async function signUp(page: Page): Promise<{ email: string; password: string }> {
  const account = { email: `${randomUUID()}@example.com`, password: 'three-brown-otters' };
  await page.getByRole('button', { name: 'Make an account' }).click();
  await page.getByLabel('Email').fill(account.email);
  await page.getByLabel('Password').fill(account.password);
  await page.locator('button[type=submit]').click();
  await page.getByLabel('Your question').waitFor();
  return account;
}

/** The page's user at the API. */
export async function userOf(page: Page, url: string): Promise<TestUser> {
  const login = JSON.parse((await page.evaluate(`localStorage['healify:login']`)) as string);
  return userWith(url, login.userId, login.accessToken);
}

/** The conversation that the page shows, as the API has it. */
export async function sessionOf(page: Page, url: string): Promise<Reply['body']> {
  const user = await userOf(page, url);
  return (await user.session(new URL(page.url()).hash.replace('#/c/', ''))).body;
}

/** Writes a question and sends it. */
export async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel('Your question').fill(question);
  await page.keyboard.press('Enter');
}

/** The newest turn of the page. */
export const newestTurn = (page: Page) => page.locator('.turn').last();

/** Waits until the newest turn is in a state, such as `completed`. */
export const waitForStatus = (page: Page, status: string) =>
  page.locator(`.turn:last-child[data-status=${status}]`).waitFor();

/** The newest answer as text; '' while there is none. */
export const answerText = async (page: Page) =>
  (await newestTurn(page).locator('.markdown').allTextContents()).join('');

/** What axe-core finds on the page that is shown. */
export async function findProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const run = 'axe.run(document, { resultTypes: ["violations"] })';
  const { violations } = (await page.evaluate(run)) as axe.AxeResults;
  return violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
