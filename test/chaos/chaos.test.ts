import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { figureOf, runHarness } from './run-harness.ts';

jest.setTimeout(300_000);

const main = join(import.meta.dirname, '../../chaos/main.ts');

/** Where a question might be read, with everything in Redis. */
const PLACES = ["Redis' files", "RabbitMQ's files", 'logs', 'metrics', 'traces', 'pages'];

const chaos = (...args: string[]) => runHarness(main, ['--seed', '20', ...args]);

test('with workers, apis, Redis and RabbitMQ killed under load, each question has one end, and the answer that is its own', async () => {
  const { code, output } = await chaos('--requests', '300', '--kills', '4', '--rate', '30');
  if (code !== 0) throw new Error(output);
  expect(output).toMatch(/lost +0 +ok/);
  expect(output).toMatch(/stuck +0 +ok/);
  for (const place of PLACES) expect(output).toMatch(new RegExp(`questions that can be read in ${place} +0 +ok`));
  for (const finding of [
    'of which continue a session',
    'of which wait for their answer',
    'cancelled',
    'poison sent',
    'lines of the logs',
  ]) {
    expect([finding, figureOf(output, finding)]).toEqual([finding, expect.any(Number)]);
    expect(figureOf(output, finding)).toBeGreaterThan(0);
  }
});

test('the harness can fail: acknowledging before handling is caught', async () => {
  const args = ['--requests', '120', '--kills', '4', '--rate', '30', '--settle', '25', '--break-acks', '--plain-texts'];
  const { code, output } = await chaos(...args);
  expect(output).toMatch(/(stuck|lost) +[1-9]\d* +VIOLATION/);
  expect(code).toBe(1);
});

test('the harness can fail: answers to another question, dead letters that are kept twice, and texts in every place are caught', async () => {
  const { code, output } = await chaos(
    '--requests',
    '60',
    '--kills',
    '0',
    '--swap-answers',
    '--double-letters',
    '--log-texts',
    '--show-texts',
    '--plain-texts',
  );
  expect(output).toMatch(/answer to something else +[1-9]\d* +VIOLATION/);
  expect(output).toMatch(/dead letters kept twice +[1-9]\d* +VIOLATION/);
  expect(output).toMatch(/lines with a text, a token, a password or an email +[1-9]\d* +VIOLATION/);
  for (const place of PLACES)
    expect(output).toMatch(new RegExp(`questions that can be read in ${place} +[1-9]\\d* +VIOLATION`));
  expect(output).toMatch(/lost +0 +ok/);
  expect(code).toBe(1);
});
