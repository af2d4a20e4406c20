import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startChromium } from '../../tools/services/chromium.ts';
import { signUp } from '../api-client.ts';
import { startApi, startScript, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

let api: TestProcess;
let browser: Browser;
let page: Page;
/** Problems that the browser reports: errors of scripts, and violations of the page's policy. */
const complaints: string[] = [];
/** All that Bull Board's own API has told the browser. */
const boardReplies: Promise<string>[] = [];

beforeAll(async () => {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    RATE_READ_PER_MINUTE: '100000',
    // Finished jobs keep their texts, so that the board has some to hide.
    FINISHED_JOB_TEXT: '1h',
  };
  const simulator = await startSimulatorProcess();
  api = await startApi(env);
  await startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.url });
  const args = ['add', '--email', 'admin@example.com', '--password-env', 'PASSWORD', '--role', 'operator'];
  const made = await startScript('src/main/users.ts', args, {
    REDIS_URL: env.REDIS_URL,
    PASSWORD: 'three-brown-otters',
  });
  await made.exited;
  browser = await startChromium();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('response', (response) => {
    if (response.url().includes('/admin/queues/api/')) boardReplies.push(response.text().catch(() => ''));
  });
}, 180_000);
afterAll(() => browser?.close());

test('an admin logs in, finds a failed request with its step, attempt and reason, retries it, and sees no text of it in Bull Board', async () => {
  const user = await signUp(api.url);
  const message = 'Will it fail? [[simulate status=400 times=1]]';
  const failed = await user.send({ message }, { Prefer: 'wait=20' });
  expect(failed.body).toMatchObject({ status: 'failed', error: { code: 'model_rejected' } });

  await page.goto(`${api.url}/admin`);
  await page.waitForURL('**/admin/login');
  await page.fill('[name=email]', 'admin@example.com');
  await page.fill('[name=password]', 'wrong');
  await page.click('button');
  await page.getByText('Email or password is wrong.').waitFor();
  await page.fill('[name=email]', 'admin@example.com');
  await page.fill('[name=password]', 'three-brown-otters');
  await page.click('button');
  await page.waitForURL('**/admin');

  await page.goto(`${api.url}/admin/queues/queue/chat?status=failed`);
  const job = page.getByText(`r-${failed.body.requestId}`);
  await job.waitFor();
  await page.getByText('ask-model: model_rejected: the provider refused the request').waitFor();
  await page.getByText(/^at ask-model, attempt 1 · .*ask-model [\d.]+ ms, attempt 1: model_rej/).waitFor();
  // The buttons of a job have no names. The first one, after the link to its story, is *Retry*.
  await page.getByText('Story', { exact: true }).locator('xpath=following::button[1]').click();
  await page.getByRole('button', { name: 'Confirm' }).click();
  const answer: string = await until('the retry’s answer', async () => {
    const [turn] = (await user.session(failed.body.sessionId)).body.turns;
    return turn?.status === 'completed' && turn.response;
  });
  await page.goto(`${api.url}/admin/queues/queue/chat?status=completed`);
  const steps = page.getByText(/^completed · .*ask-model [\d.]+ ms · write-cache [\d.]+ ms · publish [\d.]+ ms/);
  await steps.waitFor();
  const seen = [await page.content()];

  // The page of the one job, with all its tabs.
  const flow = page.waitForResponse((response) => response.url().includes('/flow'));
  await page.goto(`${api.url}/admin/queues/queue/chat/r-${failed.body.requestId}?status=completed`);
  await Promise.all([flow, steps.waitFor()]);
  for (const tab of ['Data', 'Options', 'Logs', 'Error']) {
    await page.getByText(tab, { exact: true }).first().click();
    seen.push(await page.content());
  }
  expect(seen.join()).toContain('messageChars');
  expect(boardReplies.length).toBeGreaterThan(5);
  seen.push(...(await Promise.all(boardReplies)));
  const texts = ['Will it fail', answer.slice(0, 12)];
  expect(texts.filter((text) => seen.some((each) => each.includes(text)))).toEqual([]);

  const story = await page.getByText('Story', { exact: true }).first().getAttribute('href');
  expect(story).toBe(`/admin#/jobs/${failed.body.requestId}`);
});

test('the documentation page shows every operation', async () => {
  await page.goto(`${api.url}/docs/`);
  await page.getByText('Ask a question').waitFor();
  expect(await page.textContent('body')).toContain('/chat/session/{sessionId}');
});

test('no page has a script error', () => {
  expect(complaints).toEqual([]);
});
