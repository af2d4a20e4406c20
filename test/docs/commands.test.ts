import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

const root = join(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const documents = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: root })];
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');

test.each(documents)('every npm command in %s exists', (file) => {
  for (const [, name] of textOf(file).matchAll(/npm run ([a-z][a-z:-]+)/g))
    expect(Object.keys(scripts)).toContain(name);
});

test.each(documents)('no command in %s needs a newer Node than the 20 that must be there', (file) => {
  // `npm run` uses the Node that comes along; dist/ is in the image, which has its own.
  expect(textOf(file)).not.toMatch(/\bnode (?!dist\/)\S+\.(ts|mts)/);
});

let urls: { REDIS_URL: string; RABBITMQ_URL: string };
beforeAll(async () => {
  urls = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() };
});

/** Runs an npm script as a user does: with the PATH that has no node_modules/.bin, and nothing of npm's own. */
async function npmRun(...args: string[]): Promise<string> {
  const child = promisify(execFile)('npm', ['run', ...args], {
    cwd: root,
    env: {
      PATH: process.env.PATH?.replace(/[^:]*node_modules[^:]*:/g, ''),
      HOME: process.env.HOME,
      ...urls,
    },
  });
  child.child.stdin?.end('a long password\n');
  const { stdout, stderr } = await child;
  return stdout + stderr;
}

test('the commands for accounts and dead letters work as documented, and say nothing of a .env that is not there', async () => {
  const added = await npmRun('users', '--', 'add', '--email', 'You@example.com', '--password-stdin', '--admin');
  expect(added).toContain('made you@example.com (admin)');
  expect(await npmRun('users', '--', 'grant-admin', '--email', 'you@example.com')).toContain(
    'you@example.com: admin, enabled',
  );
  const listed = await npmRun('dlq', '--', 'list');
  expect(listed).toContain('chat_requests.dlq');
  for (const output of [added, listed]) expect(output).not.toMatch(/\.env|not found|Warning/);
});

test('an older Node, which cannot run TypeScript, is told what to do', async () => {
  const [program = '', ...args] = scripts.users!.split(' ');
  expect(program).toBe('node');
  const run = promisify(execFile)(process.execPath, ['--no-experimental-strip-types', ...args, '--help'], {
    cwd: root,
  });
  await expect(run).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/needs Node 24.*npm run packages.*npm run/s),
  });
});
