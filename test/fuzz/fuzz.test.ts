import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const main = join(import.meta.dirname, '../../fuzz/main.ts');

const fuzz = async (...args: string[]) => {
  const run = promisify(execFile)(process.execPath, [main, '--seed', '7', ...args], { maxBuffer: 1e8 });
  const { stdout } = await run.catch((error) => {
    throw new Error(error.stdout);
  });
  return stdout;
};

test('whatever is sent, no process dies, no answer is an internal error, and every message is accounted for', async () => {
  const output = await fuzz(
    '--messages',
    '1500',
    '--http',
    '800',
    '--sockets',
    '150',
    '--tokens',
    '300',
    '--sign-ins',
    '200',
  );
  expect(output).toMatch(/logins at the identity provider: .*"callback 303":.*"logout 200":/);
  expect(output).toMatch(/endpoints whose work was not reached +0 +ok/);
  expect(output).toContain('seed 7: no violation');
}, 600_000);

test('the same with an identity provider that has the accounts', async () => {
  const args = ['--messages', '0', '--http', '500', '--sockets', '50', '--tokens', '300', '--identity-provider'];
  const output = await fuzz(...args);
  expect(output).toMatch(/endpoints whose work was not reached +0 +ok/);
  expect(output).toContain('seed 7: no violation');
}, 600_000);
