import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);
const FAILS = join(import.meta.dirname, 'fails.ts');

/** What a process writes that a library makes write to the console. */
const outputOf = async (command: string, ...args: string[]) => (await run(command, args)).stdout;

test('in a terminal a line of the log is for people, and anywhere else it is JSON', async () => {
  const inPipe = await outputOf(process.execPath, FAILS, 'console', 'secret');
  expect(JSON.parse(inPipe)).toMatchObject({ level: 'warn', msg: 'a library wrote to the console' });

  const inTerminal = await outputOf('script', '-qec', `"${process.execPath}" "${FAILS}" console secret`, '/dev/null');
  expect(inTerminal).toMatch(/^\S*\[\d\d:\d\d:\d\d\].*WARN.*a library wrote to the console/);
  expect(inTerminal).not.toContain('{"level"');
});
