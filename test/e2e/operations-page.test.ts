import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { bury } from '../dead-letters.ts';
import { logIn, type Operations, openWatched, startOperations } from '../operations.ts';
import { until } from '../until.ts';

let all: Operations;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  all = await startOperations({
    TRACE_URL: 'http://traces.example/trace/{traceId}',
    LOGS_BY_TRACE_URL: 'http://logs.example/search?q=',
    DASHBOARDS_URL: 'http://dashboards.example/',
  });
  ({ page, complaints } = await openWatched(all.browser));
}, 180_000);
afterAll(() => all?.browser.close());

const open = (view: string) => page.goto(`${all.api.url}/admin#${view}`);
const button = (name: string | RegExp) => page.getByRole('button', { name });
/** Presses a button that asks first, reads what would happen, and confirms. */
async function confirm(opener: string | RegExp, forecast: RegExp, confirmation: string | RegExp) {
  await button(opener).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(forecast).waitFor();
  await dialog.getByRole('button', { name: confirmation }).click();
  return dialog;
}
const close = () => page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
const ask = (message: string) => all.user.send({ message }, { Prefer: 'wait=20' });
const statusOf = async (sessionId: string) => (await all.user.session(sessionId)).body.turns[0]?.status;

test('a link to a view leads there after the login, and a first visit shows no error', async () => {
  await open('/failures');
  await page.waitForURL('**/admin/login?*');
  expect(await page.textContent('main')).not.toContain('Log in to go on');
  await logIn(page);
  await page.waitForURL('**/admin#/failures');
  await page.getByText('No job has failed.').waitFor();
});

test('when nothing is wrong, one line says so', async () => {
  expect((await ask('How are you?')).body.status).toBe('completed');
  await open('/');
  await page.getByText('All is well.').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  const dashboards = page.getByRole('link', { name: 'Dashboards' });
  expect(await dashboards.getAttribute('href')).toBe('http://dashboards.example/');
});

test('an operator sees a failure come without a reload, follows it to its story, retries it, and its user gets the answer', async () => {
  const failed = await ask('Will it fail? [[simulate status=400 times=1]]');
  expect(failed.body).toMatchObject({ status: 'failed', error: { code: 'model_rejected' } });
  await page.getByText(/^Questions fail: the provider refused these questions \(model_rejected\), 1 job\.$/).waitFor();
  await page.getByRole('region', { name: 'Verdict' }).getByRole('link', { name: 'Failures' }).click();
  await page.getByRole('link', { name: 'The latest one’s story' }).click();
  await page.getByRole('heading', { name: `Job ${failed.body.requestId}` }).waitFor();
  await page.getByText('Failed: The provider refused these questions').waitFor();
  await page.getByText('ask-model failed: model_rejected').waitFor();
  const trace = page.getByRole('link', { name: /^[0-9a-f]{32}$/ });
  expect(await trace.getAttribute('href')).toBe(`http://traces.example/trace/${await trace.textContent()}`);
  const logs = page.getByRole('link', { name: 'Its log lines' });
  expect(await logs.getAttribute('href')).toBe(`http://logs.example/search?q=${await trace.textContent()}`);
  const dialog = await confirm('Retry …', /This one question will be put in line again/, 'Retry this job');
  await dialog.getByText('It is in line again.').waitFor();
  await close();
  await page.getByText(/^Answered$/).waitFor();
  expect(await statusOf(failed.body.sessionId)).toBe('completed');
  expect(await page.textContent('main')).not.toContain('Will it fail');
});

test('all jobs of a cause are retried at a rate, and others are left alone', async () => {
  const questions = [1, 2, 3].map((n) => ask(`Question ${n} [[simulate mode=content_filter times=1]]`));
  const other = await ask('Another [[simulate status=400 times=1]]');
  const failed = await Promise.all(questions);
  await open('/failures');
  const opener = /^Retry all … with model_content_filtered/;
  const dialog = await confirm(
    opener,
    /^3 jobs will be put in line again, the oldest failures first, 10 a second/,
    'Retry 3 jobs',
  );
  await dialog.getByText(/It has begun/).waitFor();
  await close();
  await page.getByText(/^Finished: 3 of 3 jobs/).waitFor();
  for (const { body } of failed) {
    await until('the answer', async () => (await statusOf(body.sessionId)) === 'completed');
  }
  expect(await statusOf(other.body.sessionId)).toBe('failed');
});

test('an operator finds a user’s jobs and cancels one that takes too long', async () => {
  const slow = await all.user.send({ message: 'Take your time [[simulate latency=60s]]' });
  await open('/jobs');
  await page.getByLabel('User').fill(all.user.userId);
  await page.getByLabel('Status').selectOption('active');
  await page.keyboard.press('Tab');
  await button('Search').click();
  await page.waitForURL(/#\/jobs\?userId=.*status=active/);
  await page.getByRole('link', { name: slow.body.requestId }).click();
  const dialog = await confirm('Cancel …', /will end as if its user had cancelled it/, 'Cancel this job');
  await dialog.getByText(/It ends within seconds/).waitFor();
  await close();
  await page.getByText(/^Cancelled$/).waitFor();
  expect(await statusOf(slow.body.sessionId)).toBe('cancelled');
});

test('a paused intake keeps questions in RabbitMQ until it is resumed', async () => {
  await open('/');
  const paused = await confirm('Pause …', /^1 worker will take no new questions\./, 'Pause the intake');
  await paused.getByText('The intake is paused.').waitFor();
  await close();
  await page.getByText('The intake is paused, so new questions wait.').waitFor();
  await until('the worker lets go of the queue', async () => {
    const { consumerCount } = await all.queues.channel.checkQueue('chat_requests');
    return consumerCount === 0;
  });
  const waiting = await all.user.send({ message: 'Anybody there?' });
  await page.getByRole('link', { name: 'Resume the intake' }).click();
  const resumed = await confirm('Resume …', /will take .* again, the oldest first/, 'Resume the intake');
  await resumed.getByText('Workers take new questions again.').waitFor();
  await close();
  await until('the answer', async () => (await statusOf(waiting.body.sessionId)) === 'completed');
});

test('a gate that is shut stops all calls to its model until it is opened', async () => {
  await open('/');
  const shut = await confirm(/^Shut …/, /No worker will ask it until .* No other gate is open/, 'Shut the gate');
  await shut.getByText(/^The gate is shut until/).waitFor();
  await close();
  await page.getByText(/is not asked: an operator has shut it\.$/).waitFor();
  const held = await all.user.send({ message: 'Is it shut?' });
  await until('the job waits', async () => (await statusOf(held.body.sessionId)) === 'retrying');
  const opened = await confirm(/^Open …/, /All workers will ask it again at once/, 'Open the gate');
  await opened.getByText('The gate is open: calls pass.').waitFor();
  await close();
  expect((await ask('Is it open?')).body.status).toBe('completed');
});

test('dead letters are seen with their reason, redriven behind a canary, and dropped', async () => {
  all.queues.channel.sendToQueue('chat_requests', Buffer.from('no JSON at all'), { messageId: 'garbage-1' });
  await bury(all.queues, 'chat_requests', [1, 2], { reason: 'invalid_message' });
  await open('/dead-letters');
  await page.getByRole('heading', { name: 'The body is not JSON' }).waitFor();
  const notJson = page.getByRole('listitem').filter({ hasText: 'The body is not JSON' });
  await notJson.getByText('Look at it').click();
  await notJson.getByText('garbage-1').waitFor();
  await notJson.getByText('not a JSON object, or too large to look at').waitFor();
  expect(await page.textContent('main')).not.toContain('no JSON at all');

  const redriven = await confirm('Redrive … not_json', /^1 letter will go back to chat_requests\./, 'Redrive 1 letter');
  await redriven.getByText(/The canary failed, so the rest stays/).waitFor();
  await close();
  await notJson.getByText(/redriven 1 time/).waitFor();

  const dropped = await confirm(
    'Drop … invalid_message',
    /^2 letters of chat_requests will be gone for good/,
    'Drop 2 letters',
  );
  await dropped.getByText('2 letters are gone.').waitFor();
  await close();
  await page.getByRole('heading', { name: 'Fields are missing or wrong' }).waitFor({ state: 'detached' });
  // RabbitMQ counts what was given back a moment later.
  await until('one is left', async () => (await all.queues.channel.checkQueue('chat_requests.dlq')).messageCount === 1);
});

test('when the only worker is killed, the page says so within seconds and what to do', async () => {
  await open('/');
  await all.worker.kill();
  await page.getByText('No worker is alive, so nobody answers.').waitFor();
  await page.getByText(/start them\. Questions wait, and are answered then/).waitFor();
});

test('no script has failed, and nothing was against the page’s policy', () => {
  expect(complaints).toEqual([]);
});
