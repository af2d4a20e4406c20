import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import {
  answerText,
  ask,
  type ChatProduct,
  newestTurn,
  openChat,
  sessionOf,
  startChat,
  userOf,
  waitForStatus,
} from '../chat-page.ts';
import { until } from '../until.ts';

/** An answer that takes six seconds, so that a slow machine sees it grow. */
const SLOW = '[[simulate tokens-per-second=20 tokens=120]]';

let all: ChatProduct;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  all = await startChat();
  ({ page, complaints } = await openChat(all.browser, all.api.url));
}, 180_000);
afterAll(() => all?.browser.close());

const button = (name: string | RegExp) => page.getByRole('button', { name });
const inNewest = (name: string) => newestTurn(page).getByRole('button', { name });
const lengthOf = async (shown: Page) => (await answerText(shown)).length;
const grown = (shown: Page, than: number) =>
  until(`an answer of more than ${than}`, async () => {
    const now = await lengthOf(shown);
    return now > than && now;
  });

/** What the page shows is what the API has, when all is over. */
async function expectWhole(shown = page): Promise<void> {
  await waitForStatus(shown, 'completed');
  const { turns } = await sessionOf(shown, all.api.url);
  const words = (text: string) => text.replace(/\s+/g, ' ').trim();
  expect(words(await answerText(shown))).toBe(words(turns.at(-1)!.response!));
}

test('a new user asks, watches the answer grow, reloads in the middle, and misses nothing', async () => {
  await ask(page, `How do I sleep well? ${SLOW}`);
  const first = await grown(page, 0);
  const second = await grown(page, first);
  await grown(page, second);
  expect(await newestTurn(page).getAttribute('data-status')).toBe('asking');
  await page.reload();
  await grown(page, second);
  await expectWhole();
  await newestTurn(page)
    .getByText(/^simulator · [\d.]+ s$/)
    .waitFor();
});

test('the title of a conversation comes from its question; it is renamed, found, and deleted', async () => {
  await button('New conversation').click();
  await ask(page, 'Is coffee healthy?');
  await waitForStatus(page, 'completed');
  await page.getByRole('heading', { level: 1, name: 'Is coffee healthy?' }).waitFor();
  await button('Rename Is coffee healthy?').click();
  await page.getByLabel('Title', { exact: true }).fill('   ');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('alert').filter({ hasText: /\w/ }).waitFor();
  await page.getByLabel('Title', { exact: true }).fill('Coffee');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Coffee' }).waitFor();
  await page.getByLabel('Search in titles').fill('cOFF');
  const links = page.getByRole('list', { name: 'Conversations' }).getByRole('link');
  await until('only one is left', async () => (await links.count()) === 1);
  await page.getByLabel('Search in titles').fill('nothing like that');
  await page.getByText('No title has this.').waitFor();
  await page.getByLabel('Search in titles').fill('');
  await button('Delete Coffee').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('What would you like to know?').waitFor();
  await until('it is gone', async () => (await links.count()) === 1);
});

test('two tabs show the same answer while it is being written, and a question of one appears in the other', async () => {
  await ask(page, `Question of one tab ${SLOW}`);
  await grown(page, 0);
  const other = await page.context().newPage();
  await other.goto(page.url());
  await grown(other, 0);
  await Promise.all([expectWhole(page), expectWhole(other)]);
  await ask(other, 'Question of the other tab');
  await page.getByText('Question of the other tab', { exact: true }).waitFor();
  await Promise.all([expectWhole(page), expectWhole(other)]);
  await other.close();
});

test('somebody who goes offline in the middle is told, and reads on when they are back', async () => {
  await ask(page, `Tunnel ahead ${SLOW}`);
  const before = await grown(page, 0);
  await page.context().setOffline(true);
  await page.getByText(/^You are offline\./).waitFor();
  await newestTurn(page)
    .getByText(/^The connection was lost\./)
    .waitFor();
  await page.context().setOffline(false);
  await page.getByText(/^You are offline\./).waitFor({ state: 'detached' });
  await grown(page, before);
  await expectWhole();
});

test('a question that is asked offline is kept, and goes out by itself', async () => {
  await page.context().setOffline(true);
  await ask(page, 'Written in the tunnel');
  await waitForStatus(page, 'unsent');
  await page.context().setOffline(false);
  await expectWhole();
  const { turns } = await sessionOf(page, all.api.url);
  expect(turns.filter(({ message }) => message === 'Written in the tunnel').length).toBe(1);
});

test('a draft is kept over a reload, for its own conversation', async () => {
  await page.getByLabel('Your question').fill('Half a thou');
  await page.reload();
  await until('the draft', async () => (await page.getByLabel('Your question').inputValue()) === 'Half a thou');
  await button('New conversation').click();
  await until('no draft', async () => (await page.getByLabel('Your question').inputValue()) === '');
  await page.goBack();
  await until('the draft', async () => (await page.getByLabel('Your question').inputValue()) === 'Half a thou');
  await page.getByLabel('Your question').fill('');
});

test('stop keeps what was written; the question can be asked again, and edited', async () => {
  await ask(page, `Stop me ${SLOW}`);
  await grown(page, 10);
  await page.keyboard.press('Escape');
  await waitForStatus(page, 'cancelled');
  await newestTurn(page).getByText('You have stopped this answer.').waitFor();
  const kept = await answerText(page);
  expect(kept.length).toBeGreaterThan(10);
  await page.reload();
  await waitForStatus(page, 'cancelled');
  expect(await answerText(page)).toBe(kept);
  await inNewest('Edit').click();
  expect(await page.getByLabel('Your question').inputValue()).toBe(`Stop me ${SLOW}`);
  await page.getByLabel('Your question').fill('Short, please');
  await page.keyboard.press('Enter');
  await expectWhole();
  const turns = page.locator('.turn');
  const count = await turns.count();
  await inNewest('Try again').click();
  await until('another turn', async () => (await turns.count()) > count);
  await newestTurn(page).locator('.question').getByText('Short, please').waitFor();
  await expectWhole();
  await ask(page, `Stop me by the button ${SLOW}`);
  await grown(page, 10);
  await button('Stop').focus();
  await page.keyboard.press('Enter');
  await waitForStatus(page, 'cancelled');
  expect(await page.evaluate('document.activeElement.id')).toBe('question');
});

test('an attempt that fails is explained, and an answer from the cache says so', async () => {
  await button('New conversation').click();
  await ask(page, 'A stumbling block [[simulate status=500 times=1 retry-after=5]]');
  await page.getByText(/^That did not work: .* Trying again/).waitFor();
  await expectWhole();
  await button('New conversation').click();
  await ask(page, 'Ask me twice');
  await expectWhole();
  await button('New conversation').click();
  await ask(page, 'Ask me twice');
  await newestTurn(page).getByText('simulator · answered from cache').waitFor();
});

test('a question that fails says why, and can be asked again', async () => {
  await ask(page, 'Never [[simulate status=400]]');
  await waitForStatus(page, 'failed');
  const { turns } = await sessionOf(page, all.api.url);
  await newestTurn(page).getByText(turns.at(-1)!.error!.message).waitFor();
  expect(await inNewest('Try again').isVisible()).toBe(true);
});

test('a thumb counts at once, takes a reason and a comment, survives a reload, and can be taken back', async () => {
  await ask(page, 'Rate me');
  await expectWhole();
  const thumb = () => inNewest('Bad answer');
  await thumb().click();
  await page.getByLabel('What was wrong?').selectOption('too_long');
  await page.getByLabel(/^In your words/).fill('Half would do');
  await page.keyboard.press('Enter');
  const feedback = async () => (await sessionOf(page, all.api.url)).turns.at(-1)!.feedback;
  await until('the reason', async () => (await feedback())?.reason === 'too_long');
  expect(await feedback()).toMatchObject({ rating: 'down', comment: 'Half would do' });
  await page.reload();
  await until(
    'the thumb',
    async () =>
      (await thumb()
        .getAttribute('aria-pressed')
        .catch(() => null)) === 'true',
  );
  await thumb().click();
  await until('no feedback', async () => (await feedback()) === null);
});

test('a long conversation shows its newest questions, and earlier ones without a jump', async () => {
  const user = await userOf(page, all.api.url);
  const first = await user.send({ message: 'Number 1' }, { Prefer: 'wait=20' });
  const { sessionId } = first.body;
  for (let number = 2; number <= 24; number += 1) {
    await user.send({ message: `Number ${number}`, sessionId }, { Prefer: 'wait=20' });
  }
  await page.goto(`${all.api.url}/#/c/${sessionId}`);
  const question = (text: string) => page.locator('.question').getByText(text, { exact: true });
  await question('Number 24').waitFor();
  expect(await question('Number 4').count()).toBe(0);
  const earlier = button('Earlier questions');
  await earlier.scrollIntoViewIfNeeded();
  const topOf = async () => (await question('Number 5').boundingBox())!.y;
  const before = await topOf();
  await earlier.click();
  await question('Number 1').waitFor();
  await until('it is where it was', async () => Math.abs((await topOf()) - before) < 60);
  expect(await earlier.count()).toBe(0);
});

test('a conversation that is not there says so', async () => {
  await page.goto(`${all.api.url}/#/c/11111111-1111-4111-8111-111111111111`);
  await page.getByText('This conversation is not there, or was deleted.').waitFor();
  await button('Begin a new one').click();
  await page.getByText('What would you like to know?').waitFor();
});

test('the worker and the api are killed in the middle, and the answer is whole all the same', async () => {
  await ask(page, 'Through thick and thin [[simulate tokens-per-second=20 tokens=240]]');
  await grown(page, 0);
  const spare = await all.startAnotherWorker();
  await all.worker.kill();
  let most = 0;
  await until(
    'another worker begins again',
    async () => {
      const now = await lengthOf(page);
      most = Math.max(most, now);
      return now < most;
    },
    60_000,
  );
  const before = await grown(page, 0);
  await all.api.kill();
  const { port } = new URL(all.api.url);
  await all.startAnotherApi({ API_PORT: port });
  await grown(page, before);
  await expectWhole();
  await spare.stop();
});

test('somebody who signs out leaves nothing behind, and another tab is signed out, too', async () => {
  const other = await page.context().newPage();
  await other.goto(all.api.url);
  await other.getByLabel('Your question').fill('A secret');
  await button('Sign out').click();
  await Promise.all([page, other].map((each) => each.getByRole('button', { name: 'Sign in' }).waitFor()));
  expect(await page.evaluate('Object.keys(localStorage)')).toEqual([]);
  await other.close();
});

test('no script has failed, and nothing was against the page’s policy', () => {
  expect(complaints).toEqual([]);
});
