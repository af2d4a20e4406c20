import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const main = join(import.meta.dirname, '../../fuzz/main.ts');

test('whatever is sent, no process dies, no answer is an internal error, and every message is accounted for', async () => {
  const args = [main, '--messages', '3000', '--http', '800', '--sockets', '150', '--seed', '7'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1e8 }).catch((error) => {
    throw new Error(error.stdout);
  });
  expect(stdout).toContain('seed 7: no violation');
}, 240_000);
