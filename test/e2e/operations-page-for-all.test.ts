import { afterAll, beforeAll, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { bury } from '../dead-letters.ts';
import { logIn, type Operations, openWatched, startOperations } from '../operations.ts';
import { startTcpProxy } from '../tcp-proxy.ts';

let all: Operations;
let page: Page;
/** Between the browser and the api, so that a test can take the api away. */
let proxy: Awaited<ReturnType<typeof startTcpProxy>>;
let storyView: string;
let openStoryView: string;

beforeAll(async () => {
  all = await startOperations();
  proxy = await startTcpProxy(all.api.url);
  const failed = await all.user.send({ message: 'Fail [[simulate status=400]]' }, { Prefer: 'wait=20' });
  storyView = `/jobs/${failed.body.requestId}`;
  const open = await all.user.send({ message: 'Take your time [[simulate latency=240s]]' });
  openStoryView = `/jobs/${open.body.requestId}`;
  await bury(all.queues, 'chat_requests', [1, 2, 3], { reason: 'not_json' });
  ({ page } = await openWatched(all.browser));
  await page.goto(`${origin()}/admin`);
  await page.waitForURL('**/admin/login');
  await logIn(page);
  await page.getByRole('heading', { name: 'The line' }).waitFor();
}, 180_000);
afterAll(async () => {
  await all?.browser.close();
  await proxy?.stop();
  // It has a question in hand that takes minutes.
  await all?.worker.kill();
});

const origin = () => proxy.url.replace(/\/$/, '');
const views = () => [
  { view: '/', loaded: 'Processes and servers' },
  { view: '/jobs', loaded: 'Jobs' },
  { view: storyView, loaded: 'Attempts and steps' },
  { view: '/failures', loaded: 'The provider refused these questions' },
  { view: '/dead-letters/chat_requests?reason=not_json', loaded: 'The body is not JSON' },
  { view: '/retention', loaded: 'Dead letters in chat_requests.dlq.' },
];

async function show({ view, loaded }: { view: string; loaded: string }) {
  await page.goto(`${origin()}/admin#${view}`);
  await page.getByRole('heading', { name: loaded }).waitFor();
}

/** What axe-core finds on the page that is shown. */
async function problems(): Promise<string[]> {
  await page.evaluate(axe.source);
  const run = 'axe.run(document, { resultTypes: ["violations"] })';
  const { violations } = (await page.evaluate(run)) as axe.AxeResults;
  return violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

test.each(['light', 'dark'] as const)('in %s, axe finds nothing wrong with any view or dialog', async (colorScheme) => {
  await page.emulateMedia({ colorScheme });
  for (const each of views()) {
    await show(each);
    expect([each.view, await problems()]).toEqual([each.view, []]);
  }
  const openStory = { view: openStoryView, loaded: 'Facts' };
  for (const [view, opener, forecast] of [
    [views()[4]!, /^Redrive …/, /will go back to chat_requests/],
    [views()[4]!, /^Drop …/, /will be gone for good/],
    [openStory, /^Cancel …/, /as if its user had cancelled it/],
  ] as const) {
    await show(view);
    await page.getByRole('button', { name: opener }).click();
    await page.getByText(forecast).waitFor();
    expect([String(opener), await problems()]).toEqual([String(opener), []]);
    await page.keyboard.press('Escape');
  }
});

test.each([320, 360, 768])('at a width of %i pixels nothing has to be scrolled sideways', async (width) => {
  await page.setViewportSize({ width, height: 740 });
  for (const each of views()) {
    await show(each);
    expect([each.view, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([each.view, width]);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test('by keyboard alone, an operator goes to a view, opens a dialog, leaves it, and is where they were', async () => {
  await show(views()[0]!);
  await page.reload();
  await page.getByRole('heading', { name: 'The line' }).waitFor();
  const focused = () => page.evaluate('document.activeElement.textContent') as Promise<string>;
  await tabTo('Skip to content');
  await tabTo('Failures');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^Retry all/ }).waitFor();
  expect(await focused()).toBe('Failures');
  expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
  await tabTo(/^Retry all/);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  for (let presses = 0; presses < 8; presses++) {
    await page.keyboard.press('Tab');
    // The focus may leave for the browser's own controls, but never for what is behind the dialog.
    expect(
      await page.evaluate('document.activeElement === document.body || !!document.activeElement.closest("dialog")'),
    ).toBe(true);
  }
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await focused()).toMatch(/^Retry all/);
});

/** Presses Tab until the element with this text has the focus. */
async function tabTo(text: string | RegExp): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    const at = (await page.evaluate('document.activeElement.textContent')) as string;
    if (typeof text === 'string' ? at === text : text.test(at)) return;
  }
  throw new Error(`Tab does not lead to ${text}`);
}

test('when the api does not answer, the page says so and of when its figures are, and goes on by itself when it is back', async () => {
  await show(views()[0]!);
  proxy.cut();
  await page.getByText('The API does not answer.').waitFor();
  await page.getByText(/^Out of date: from/).waitFor();
  await page.getByText(/This page asks again by itself\. What you see below is from/).waitFor();
  proxy.accept();
  await page.getByText('Live', { exact: true }).waitFor();
});

test('a page that nobody touches says so with each call, so that it does not keep a login alive', async () => {
  await show(views()[0]!);
  const overview = (background: boolean) =>
    page.waitForRequest((request) => {
      if (!request.url().endsWith('/admin/overview')) return false;
      return (request.headers()['x-background'] === '1') === background;
    });
  await overview(true);
  const touched = overview(false);
  await page.keyboard.press('Shift');
  await touched;
  await overview(true);
});

test('a tab that nobody sees asks for nothing, and asks at once when it is seen again', async () => {
  // A tab of its own, because its clock is changed.
  const tab = await page.context().newPage();
  await tab.clock.install();
  await tab.goto(`${origin()}/admin`);
  await tab.getByText('Live', { exact: true }).waitFor();
  // Chromium without a screen shows all tabs, so we tell the page that it is hidden.
  await setHidden(tab, true);
  const asked: string[] = [];
  tab.on('request', (request) => asked.push(request.url()));
  await tab.clock.fastForward(60_000);
  expect(asked).toEqual([]);
  const request = tab.waitForRequest('**/admin/overview');
  await setHidden(tab, false);
  await request;
  await tab.close();
});

const setHidden = (tab: Page, hidden: boolean) =>
  tab.evaluate(
    `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });` +
      `document.dispatchEvent(new Event('visibilitychange'));`,
  );

test('somebody whose login has ended logs in again and is back in the same view', async () => {
  await show(views()[2]!);
  await page.evaluate(`fetch('admin/logout', { method: 'POST' })`);
  await page.waitForURL('**/admin/login?expired*');
  await page.getByText('Log in to go on.').waitFor();
  await logIn(page);
  await page.waitForURL(`**/admin#${storyView}`);
});
