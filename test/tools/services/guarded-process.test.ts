import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startGuarded } from '../../../tools/services/guarded-process.ts';
import { isRunning } from '../../../tools/services/is-running.ts';
import { until } from '../../until.ts';

/** Starts another process, and ends at SIGTERM without it. */
const LEAVES_A_CHILD = 'sleep 600 & echo "$!"; trap "exit 0" TERM; while :; do sleep 0.1; done';

test('what a child has started ends with us, even if the child ends before it and we are killed', async () => {
  const file = join(import.meta.dirname, '../../../tools/services/guarded-process.ts');
  const script =
    `import { startGuarded } from ${JSON.stringify(file)};` +
    `await startGuarded('sh', ['-c', ${JSON.stringify(LEAVES_A_CHILD)}], { onLine: console.log });`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(owner.stdout, 'data');
  const grandchild = Number(line);
  expect(isRunning(grandchild)).toBe(true);
  owner.kill('SIGKILL');
  await until('it has ended', () => !isRunning(grandchild));
});

test('kill ends what a child has started, too', async () => {
  let grandchild = 0;
  const child = await startGuarded('sh', ['-c', LEAVES_A_CHILD], { onLine: (line) => (grandchild = Number(line)) });
  await until('it has started', () => grandchild > 0);
  await child.kill();
  await until('it has ended', () => !isRunning(grandchild));
  expect(child.exitCode).toBe(137);
});

test('the exit code of a child is told, and its output is kept', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'healify-guarded-'));
  const logFile = join(dir, 'log');
  const child = await startGuarded('sh', ['-c', 'echo said; exit 7'], { logFile });
  await child.exited;
  expect([child.exitCode, child.output()]).toEqual([7, 'said\n']);
  await until('the log', () => existsSync(logFile) && readFileSync(logFile, 'utf8') === 'said\n');
  rmSync(dir, { recursive: true });
});
