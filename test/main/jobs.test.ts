import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Fate, openSearch, type Search } from '../adapters/jobs/search/search-around.ts';
import { startScript } from '../processes.ts';
import { testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

let url: string;
let search: Search;
beforeAll(async () => {
  url = await testRedisUrl();
  search = await openSearch(url);
  search.start();
});
afterAll(() => search.close());

async function jobs(...args: string[]) {
  const script = await startScript('src/main/jobs.ts', args, { REDIS_URL: url });
  await script.exited;
  return { code: script.exitCode, output: script.output() };
}

async function addOne(fate: Fate, status: string, request = {}) {
  const requestId = await search.add(fate, request);
  await until(`it is ${status}`, async () => (await search.admin.show(requestId))?.status === status);
  return requestId;
}

test('the command line lists, shows, counts, retries and cancels', async () => {
  const timeout = await addOne({ failWith: 'model_timeout' }, 'failed', { userId: 'ann' });
  const rejected = await addOne({ failWith: 'model_rejected' }, 'failed');
  const delayed = await addOne('wait', 'delayed');

  const list = await jobs('list', '--code', 'model_timeout', '--newer-than', '1h');
  expect(list).toMatchObject({ code: 0, output: expect.stringContaining(timeout) });
  expect(list.output).toMatch(/TIME +STATUS +CODE +REQUEST +USER +ATTEMPTS\n.*failed +model_timeout .* ann /);
  expect(list.output).not.toContain(rejected);
  expect((await jobs('list', '--older-than', '1h')).output).toBe('No job matches.\n');
  expect((await jobs('list', '--limit', '1')).output).toContain('There are more');
  expect((await jobs('show', timeout)).output).toMatch(/step {8}ask-model, attempt 1, 12.5 ms\n/);

  const dry = await jobs('retry', '--dry-run');
  expect(dry.output).toMatch(/^2 jobs to retry; nothing was changed\n/);
  expect(dry.output).toContain('  1 model_rejected\n');

  for (const id of [timeout, rejected]) search.fates.set(id, 'complete');
  const retried = await jobs('retry', '--code', 'model_timeout', '--rate', '100');
  expect(retried).toMatchObject({ code: 0, output: expect.stringContaining('1 job retried, 0 left\n') });
  await until('it has completed', async () => (await search.admin.show(timeout))?.status === 'completed');
  expect((await search.admin.show(rejected))?.status).toBe('failed');
  expect(await jobs('retry', rejected)).toMatchObject({ code: 0 });
  await until('it has completed', async () => (await search.admin.show(rejected))?.status === 'completed');

  search.fates.set(delayed, 'cancel');
  expect(await jobs('cancel', delayed)).toMatchObject({ code: 0 });
  await until('it has ended', async () => (await search.admin.show(delayed))?.status === 'cancelled');
});

test('programs get JSON, and the exit code says how it went', async () => {
  const requestId = await addOne('complete', 'completed');
  expect(JSON.parse((await jobs('show', requestId, '--json')).output)).toMatchObject({ requestId });
  expect(await jobs('retry', requestId)).toMatchObject({ code: 1, output: expect.stringContaining('has not failed') });
  expect(await jobs('show', 'nobody-asked-this')).toMatchObject({ code: 1 });
});

test.each([
  [[], 'a command is missing'],
  [['drop'], 'there is no command drop'],
  [['retry'], 'name the request to retry'],
  [['retry', 'a', '--code', 'b'], 'not both'],
  [['show'], 'which request?'],
  [['list', '--rate', '1'], '--rate does not belong'],
  [['list', '--code', 'No'], '--code'],
  [['list', '--from', 'yesterday'], '--from'],
  [['list', '--newer-than', 'long'], '--newer-than'],
  [['list', '--limit', 'many'], '--limit'],
])('%p is not understood', async (args, message) => {
  expect(await jobs(...args)).toMatchObject({ code: 2, output: expect.stringContaining(message) });
});
