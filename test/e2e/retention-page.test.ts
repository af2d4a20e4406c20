import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { Overview } from '../../src/contracts/http/overview-bodies.ts';
import type { RetentionTable } from '../../src/contracts/http/retention-bodies.ts';
import { bury } from '../dead-letters.ts';
import { logIn, type Operations, openWatched, startOperations } from '../operations.ts';
import { until } from '../until.ts';

let all: Operations;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  all = await startOperations({ DEAD_LETTER_RETENTION: '2d', FAILED_JOBS_AGE: '3h' });
  await bury(all.queues, 'chat_requests', [1], { reason: 'not_json', ageMs: 24 * 3_600_000 });
  ({ page, complaints } = await openWatched(all.browser));
  await page.goto(`${all.api.url}/admin`);
  await page.waitForURL('**/admin/login');
  await logIn(page);
  await page.waitForURL((url) => !url.pathname.endsWith('/login'));
}, 180_000);
afterAll(() => all?.browser.close());

const rowOf = (what: string) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: what }) });

test('an operator sees how long everything is kept by the settings, when it was last looked for, and what goes soon', async () => {
  await page.goto(`${all.api.url}/admin#/`);
  await page.getByRole('link', { name: 'Retention' }).click();
  await page.getByRole('heading', { name: 'Retention' }).waitFor();
  const failedJobs = rowOf('Failed jobs with their texts');
  await failedJobs.getByText('3 h', { exact: true }).waitFor();
  await failedJobs.getByText('FAILED_JOBS_AGE').waitFor();
  await failedJobs.getByText(/^looked .* ago$/).waitFor({ timeout: 120_000 });
  await failedJobs.getByText('nothing removed yet').waitFor();
  const letters = rowOf('Dead letters in chat_requests.dlq.');
  await letters.getByText('2 days', { exact: true }).waitFor();
  await letters.getByText(/The oldest is removed in/).waitFor({ timeout: 120_000 });
  await rowOf('The account: email').getByText('No fixed time').waitFor();
  expect(complaints).toEqual([]);
}, 300_000);

test('a script gets the same', async () => {
  const { kept } = await until('the sweeps were made', async () => {
    const table = (await page.evaluate("fetch('admin/retention').then((reply) => reply.json())")) as RetentionTable;
    const jobs = table.kept.find(({ name }) => name === 'failed_jobs');
    return jobs?.sweeps[0]?.doneAt && table;
  });
  expect(kept.find(({ name }) => name === 'failed_jobs')).toMatchObject({
    ...{ limitMs: 3 * 3_600_000, setting: 'FAILED_JOBS_AGE', from: 'after the job failed', enforcedBy: 'sweeper' },
    sweeps: [{ sweep: 'failed_jobs', removed: 0, total: 0, failingSince: null }],
  });
  expect(kept.find(({ name }) => name === 'turns')).toMatchObject({ store: 'redis', enforcedBy: 'store', sweeps: [] });
  // Somebody who has no role there sees none of it.
  expect((await fetch(`${all.api.url}/admin/retention`)).status).toBe(401);
  expect((await all.user.get('/admin/retention')).status).toBe(403);
});

test('the verdict and the view of dead letters say when they go for good, and so does the API', async () => {
  const seen = await until('the letters were looked at', async () => {
    const { deadLettersExpire } = (await page.evaluate(
      "fetch('admin/overview').then((reply) => reply.json())",
    )) as Overview;
    return deadLettersExpire?.[0] && deadLettersExpire;
  });
  expect(seen).toEqual([{ queue: 'chat_requests', oldestGoesAt: expect.any(String), withinWeek: 1 }]);
  const leftMs = Date.parse(seen[0]!.oldestGoesAt) - Date.now();
  expect([leftMs > 0, leftMs < 2 * 86_400_000]).toEqual([true, true]);
  await page.goto(`${all.api.url}/admin#/`);
  await page
    .getByText(/1 dead letter of chat_requests will be removed for good within a week, the oldest in/)
    .waitFor();
  await page.goto(`${all.api.url}/admin#/dead-letters/chat_requests`);
  await page.getByText(/The oldest is removed for good in .* 1 letter goes within a week\./).waitFor();
}, 120_000);
