import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signUp } from '../api-client.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

let env: Record<string, string>;
let api: TestProcess;
let folder: string;
beforeAll(async () => {
  env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl(), RATE_LOGIN_PER_MINUTE: '1000' };
  api = await startApi(env);
  folder = await mkdtemp(join(tmpdir(), 'receipts-'));
});
afterAll(() => rm(folder, { recursive: true }));

const run = async (name: 'erasures' | 'users' | 'audit', ...args: string[]) => {
  const script = await startScript(`src/main/${name}.ts`, args, env);
  await script.exited;
  return { code: script.exitCode, output: script.output() };
};

test('verify says that there is no such receipt, and does not say that nothing is kept', async () => {
  for (const named of ['nope', randomUUID()]) {
    const { code, output } = await run('erasures', 'verify', named);
    expect({ code, output }).toMatchObject({
      code: 2,
      output: expect.stringContaining(`there is no receipt ${named}`),
    });
    expect(output).not.toContain('Nothing is kept');
  }
});

test('verify finds a receipt by its id, its file and its user; a user who was not erased is one of whom something is left', async () => {
  const { userId } = await signUp(api.url);
  expect(await run('erasures', 'verify', userId)).toMatchObject({
    code: 1,
    output: expect.stringMatching(/1 +account [\s\S]*There is no receipt/),
  });
  const erased = await run('users', 'erase', '--user-id', userId, '--yes');
  const { erasureId } = JSON.parse(erased.output) as { erasureId: string };
  const file = join(folder, 'receipt.json');
  await writeFile(file, erased.output);
  for (const named of [erasureId, file, userId]) {
    const verified = await run('erasures', 'verify', named);
    expect(verified).toMatchObject({ code: 0, output: expect.stringContaining(`Nothing is kept of ${userId}`) });
  }
  expect(JSON.parse((await run('erasures', 'show', userId)).output)).toMatchObject({ erasureId, state: 'erased' });
});

test.each([
  [[], 'a command is missing'],
  [['burn', 'x'], 'there is no command burn'],
  [['show', 'nope'], 'there is no erasure nope'],
  [['verify'], 'an erasure, or a user, is missing'],
  [['verify', 'a', 'b'], 'unexpected argument: b'],
  [['verify', 'package.json'], 'package.json is no receipt'],
  [['verify', 'README.md'], 'README.md is no receipt'],
])('erasures %j is not understood, which ends with 2', async (args, message) => {
  expect(await run('erasures', ...args)).toMatchObject({ code: 2, output: expect.stringContaining(message) });
});

test.each([
  [['verify', 'no-such-file'], 'there is no file no-such-file'],
  [['verify', '--since', '2026-01-01T00:00:00Z'], '--since does not belong to verify'],
  [['export', '--head', '1:abc'], '--head does not belong to export'],
])('audit %j is not understood, which ends with 2', async (args, message) => {
  expect(await run('audit', ...args)).toMatchObject({ code: 2, output: expect.stringContaining(message) });
});
