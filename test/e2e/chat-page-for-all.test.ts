import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ask, type ChatProduct, findProblems, newestTurn, openChat, startChat, waitForStatus } from '../chat-page.ts';
import { until } from '../until.ts';
import { hostileMarkdown } from '../web/chat/hostile-markdown.ts';

const ECHO = '[[simulate mode=echo]]';
const RICH = `${ECHO}
## Iron

Eat **lentils**, see [the WHO](https://www.who.int/).

| Food | Iron | Where it grows | How it is eaten |
|:--|--:|:-:|---|
| Lentils | 3.3 mg | in many dry places of the world | cooked for at least twenty minutes |

1. Soak
   - overnight
2. Cook

\`\`\`sh
echo "a line of code that is much longer than any telephone is wide, so that it must be scrolled"
\`\`\`

> Ask your doctor.`;

let all: ChatProduct;
let page: Page;
let complaints: string[];
const foreign: string[] = [];

beforeAll(async () => {
  all = await startChat();
  ({ page, complaints } = await openChat(all.browser, all.api.url, { locale: 'de-DE' }));
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  page.on('request', (request) => {
    if (!request.url().startsWith(all.api.url)) foreign.push(request.url());
  });
}, 180_000);
afterAll(() => all?.browser.close());

const seriousProblems = async () => (await findProblems(page)).filter((found) => /^(serious|critical)/.test(found));
const focused = (what: string) => page.evaluate<string>(`document.activeElement.${what}`);

test('Markdown is shown as tables, lists, quotes, links and code, and code can be copied', async () => {
  await ask(page, RICH);
  await waitForStatus(page, 'completed');
  const answer = newestTurn(page).locator('.markdown');
  expect(await answer.locator('td').allTextContents()).toContain('3.3 mg');
  expect(await answer.locator('ol ul li').allTextContents()).toEqual(['overnight']);
  const link = answer.getByRole('link', { name: 'the WHO' });
  expect(await link.getAttribute('href')).toBe('https://www.who.int/');
  expect(await link.getAttribute('rel')).toContain('noopener');
  await answer.getByRole('button', { name: 'Copy this code' }).click();
  expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/^echo "a line/);
});

test.each(['light', 'dark'] as const)(
  'in %s, axe finds nothing serious: in a conversation, in a dialog, and where users sign in',
  async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    expect(await seriousProblems()).toEqual([]);
    await newestTurn(page).getByRole('button', { name: 'Good answer' }).click();
    await page.getByLabel('What was good?').waitFor();
    expect(await seriousProblems()).toEqual([]);
    await page.getByRole('button', { name: 'Not now' }).click();
    await newestTurn(page).getByRole('button', { name: 'Good answer' }).click();
    await page.getByRole('button', { name: /^Delete / }).click();
    await page.getByRole('dialog').waitFor();
    expect(await seriousProblems()).toEqual([]);
    await page.keyboard.press('Escape');
    const signIn = await all.browser.newPage({ colorScheme });
    await signIn.goto(all.api.url);
    await signIn.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await findProblems(signIn)).toEqual([]);
    await signIn.close();
  },
);

test.each([320, 360, 768])(
  'at a width of %i pixels nothing but a table or code has to be scrolled sideways',
  async (width) => {
    await page.setViewportSize({ width, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    const conversation = `document.querySelector('.turns')`;
    expect(await page.evaluate(`${conversation}.scrollWidth - ${conversation}.clientWidth`)).toBe(0);
    await page.setViewportSize({ width: 1280, height: 900 });
  },
);

test('on a telephone the list of conversations is opened and closed, also by keyboard', async () => {
  await page.setViewportSize({ width: 320, height: 740 });
  const open = page.getByRole('button', { name: 'Conversations' });
  expect(await open.getAttribute('aria-expanded')).toBe('false');
  const search = page.getByLabel('Search in titles');
  expect(await search.isVisible()).toBe(false);
  const isOpenButtonFocused = async () => (await focused('className')).includes('list-button');
  await open.focus();
  await page.keyboard.press('Enter');
  await until('the focus is in the list', async () => (await focused('textContent')) === 'Close');
  expect(await seriousProblems()).toEqual([]);
  await page.keyboard.press('Escape');
  await search.waitFor({ state: 'hidden' });
  expect(await isOpenButtonFocused()).toBe(true);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Sign out' }).focus();
  await page.keyboard.press('Tab');
  await search.waitFor({ state: 'hidden' });
  expect(await isOpenButtonFocused()).toBe(true);
  await page.setViewportSize({ width: 1280, height: 900 });
});

test('right-to-left texts are set from the right, and texts in other scripts are not', async () => {
  await ask(page, `ما هي العادات الصحية؟ ${ECHO}`);
  await waitForStatus(page, 'completed');
  const isRightToLeft = (text: string) =>
    newestTurn(page)
      .locator('.markdown p', { hasText: text })
      .evaluate((paragraph) => (paragraph as unknown as { matches(selector: string): boolean }).matches(':dir(rtl)'));
  expect(await isRightToLeft('العادات')).toBe(true);
  await ask(page, `Water, then\n\nמים ${ECHO}`);
  await waitForStatus(page, 'completed');
  expect([await isRightToLeft('Water'), await isRightToLeft('מים')]).toEqual([false, true]);
});

test('by keyboard alone, a user asks, goes to another conversation, and is at its beginning', async () => {
  await page.getByRole('button', { name: 'New conversation' }).focus();
  await page.keyboard.press('Enter');
  await until('the focus is where one writes', async () => (await focused('id')) === 'question');
  await page.keyboard.type('First line');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second line');
  await page.keyboard.press('Enter');
  await waitForStatus(page, 'completed');
  expect(await focused('id')).toBe('question');
  expect(await newestTurn(page).locator('.question p').textContent()).toBe('First line\nsecond line');
  await page.getByRole('navigation').getByRole('link').nth(1).focus();
  await page.keyboard.press('Enter');
  await until('the focus is at the title', async () => (await focused('tagName')) === 'H1');
  await page.getByText('Iron', { exact: true }).first().waitFor();
});

test('a screen reader is told what is written, sentence by sentence, and when it is complete', async () => {
  const announced = page.locator('[data-announcer]');
  await ask(page, 'One. Two. Three [[simulate mode=echo tokens-per-second=1]]');
  await until('the first sentence', async () => (await announced.textContent())?.includes('One.'));
  await announced.getByText(/The answer is complete\.$/).waitFor();
  expect(await announced.getAttribute('aria-live')).toBe('polite');
});

test('words of an emergency bring the numbers of the reader’s country, at once and with the question', async () => {
  await page.getByLabel('Your question').fill('My father has chest pain');
  const notice = page.getByRole('alert').filter({ hasText: 'If this is an emergency' });
  expect(await notice.getByRole('link').getAttribute('href')).toBe('tel:112');
  await notice.getByText('It is no diagnosis', { exact: false }).waitFor();
  await page.keyboard.press('Enter');
  await waitForStatus(page, 'completed');
  await newestTurn(page).getByText('If this is an emergency, call now:', { exact: false }).waitFor();
  expect(await notice.count()).toBe(0);
});

test('nothing jumps when an answer begins, grows and ends', async () => {
  await ask(page, 'Steady [[simulate tokens-per-second=20 tokens=30]]');
  const question = newestTurn(page).locator('.question');
  await newestTurn(page).locator('.markdown').waitFor();
  await page.evaluate(`
    window.shifts = 0;
    new PerformanceObserver((list) => {
      for (const { value } of list.getEntries()) window.shifts += value;
    }).observe({ type: 'layout-shift', buffered: false });
  `);
  await waitForStatus(page, 'completed');
  await question.waitFor();
  expect(await page.evaluate('window.shifts')).toBeLessThan(0.1);
});

test('no hostile Markdown or HTML runs a script, loads anything, or leads anywhere it must not', async () => {
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.evaluate(`window.wasStolen = []; window.stolen = () => window.wasStolen.push(1)`);
  page.on('dialog', (dialog) => void dialog.dismiss());
  for (const [index, answer] of hostileMarkdown.entries()) {
    await ask(page, `${ECHO}\n${answer}`);
    await page.locator(`.turn:nth-of-type(${index + 1})[data-status=completed] .markdown`).waitFor();
  }
  const found = await page.evaluate(`
    [...document.querySelectorAll('.markdown *')].flatMap((element) => [
      ...(element.closest('.code-head') ? [] : [element.localName]),
      ...[...element.attributes].map(({ name }) => name).filter((name) => /^on|^src|^style|^action/.test(name)),
    ])
  `);
  const allowed =
    'a blockquote br code del div em h3 h4 h5 h6 hr li ol p pre span strong table tbody td th thead tr ul'.split(' ');
  expect([...new Set(found as string[])].filter((name) => !allowed.includes(name))).toEqual([]);
  const links = await page
    .locator('.markdown a')
    .evaluateAll((all) => all.map((link) => (link as unknown as { href: string }).href));
  expect(links.filter((href) => !/^(https?|mailto):/.test(href) || href.includes('@evil'))).toEqual([]);
  for (const text of await page.locator('.markdown', { hasText: 'click' }).all()) await text.hover();
  expect(await page.evaluate('window.wasStolen')).toEqual([]);
  expect(page.url()).toContain(`${all.api.url}/#/c/`);
});

test('behind a proxy with a path prefix, the page works with and without a slash at the end', async () => {
  const api = await all.startAnotherApi({ BASE_PATH: '/healify' });
  for (const address of [`${api.url}/healify`, `${api.url}/healify/`]) {
    const opened = await openChat(all.browser, address);
    await ask(opened.page, 'Hello from afar');
    await waitForStatus(opened.page, 'completed');
    expect(opened.complaints).toEqual([]);
    await opened.page.close();
  }
  await api.stop();
});

test('no request went to another host, no script has failed, and nothing was against the page’s policy', () => {
  expect(foreign).toEqual([]);
  expect(complaints).toEqual([]);
});
