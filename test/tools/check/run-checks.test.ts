import { expect, test } from '@jest/globals';
import { type Check, checks } from '../../../tools/check/checks.ts';
import { runChecks } from '../../../tools/check/run-checks.ts';

const nodeCheck = (name: string, code: string): Check => ({ name, finds: '', command: ['node', '-e', code] });

async function outputOf(checks: readonly Check[]) {
  let output = '';
  const counts = await runChecks(checks, (text) => {
    output += text;
  });
  return { counts, output };
}

test('a check that passes takes one line, whatever it has written', async () => {
  const { counts, output } = await outputOf([nodeCheck('calm', 'console.log("chatter")')]);
  expect(output).toMatch(/^passed {2}calm \([\d.]+ s\)\n$/);
  expect(counts).toEqual({ passed: 1, failed: 0 });
});

test('a check that passes without having looked at all says what it left out', async () => {
  const { output } = await outputOf([nodeCheck('partial', 'console.warn("chatter\\nleft out: the scripts")')]);
  expect(output).toMatch(/^passed {2}partial \([\d.]+ s\)\n {8}left out: the scripts\n$/);
});

test('a check that fails shows what it has written on either stream, and the others run on', async () => {
  const broken = nodeCheck('broken', 'console.log("line 3"); console.error("is wrong"); process.exit(1)');
  const { counts, output } = await outputOf([broken, nodeCheck('calm', '')]);
  expect(output).toMatch(/FAILED {2}broken \([\d.]+ s\)\n\nline 3\nis wrong\n/);
  expect(counts).toEqual({ passed: 1, failed: 1 });
});

test('a check whose program is not there fails', async () => {
  const { counts, output } = await outputOf([{ name: 'absent', finds: '', command: ['no-such-program'] }]);
  expect(output).toContain('no-such-program');
  expect(counts).toEqual({ passed: 0, failed: 1 });
});

test('checks run under the Node that comes along, not under the machine’s own', async () => {
  const { counts } = await outputOf([
    nodeCheck('node', 'process.exit(process.execPath.includes("node_modules") ? 0 : 1)'),
  ]);
  expect(counts).toEqual({ passed: 1, failed: 0 });
});

test('names of checks are as they are typed: one word each, and no name twice', () => {
  const names = checks.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z-]+$/);
});
