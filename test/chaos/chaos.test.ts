import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';

jest.setTimeout(300_000);

const main = join(import.meta.dirname, '../../chaos/main.ts');

async function chaos(...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [main, '--seed', '20', ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

const value = (output: string, finding: string) => Number(new RegExp(`^  ${finding} +(\\d+)`, 'm').exec(output)?.[1]);

test('with workers, apis, Redis and RabbitMQ killed under load, each question has one end, and the answer that is its own', async () => {
  const { code, output } = await chaos('--requests', '300', '--kills', '4', '--rate', '30');
  if (code !== 0) throw new Error(output);
  expect(output).toMatch(/lost +0 +ok/);
  expect(output).toMatch(/stuck +0 +ok/);
  for (const finding of [
    'of which continue a session',
    'of which wait for their answer',
    'cancelled',
    'poison sent',
    'lines of the logs',
  ]) {
    expect([finding, value(output, finding)]).toEqual([finding, expect.any(Number)]);
    expect(value(output, finding)).toBeGreaterThan(0);
  }
});

test('the harness can fail: acknowledging before handling is caught', async () => {
  const args = ['--requests', '120', '--kills', '4', '--rate', '30', '--settle', '25', '--break-acks'];
  const { code, output } = await chaos(...args);
  expect(output).toMatch(/(stuck|lost) +[1-9]\d* +VIOLATION/);
  expect(code).toBe(1);
});

test('the harness can fail: answers to another question, dead letters that are kept twice, and texts in the log are caught', async () => {
  const { code, output } = await chaos(
    '--requests',
    '60',
    '--kills',
    '0',
    '--swap-answers',
    '--double-letters',
    '--log-texts',
  );
  expect(output).toMatch(/answer to something else +[1-9]\d* +VIOLATION/);
  expect(output).toMatch(/dead letters kept twice +[1-9]\d* +VIOLATION/);
  expect(output).toMatch(/lines with a text, a token, a password or an email +[1-9]\d* +VIOLATION/);
  expect(output).toMatch(/lost +0 +ok/);
  expect(code).toBe(1);
});
