import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { figureOf, runHarness } from './run-harness.ts';

jest.setTimeout(300_000);

const streams = (...args: string[]) => runHarness(join(import.meta.dirname, '../../chaos/streams/main.ts'), args);

test('readers that are cut at random, while workers, apis and Redis are killed, get what an uninterrupted reader gets', async () => {
  const { code, output } = await streams('--seed', '20', '--cuts', '80', '--kills', '3');
  if (code !== 0) throw new Error(output);
  expect(output).toMatch(/gaps +0 +ok/);
  for (const finding of [
    'kills of worker',
    'kills of api',
    'kills of redis',
    'of which completed',
    'of which cancelled',
  ]) {
    expect([finding, figureOf(output, finding)]).toEqual([finding, expect.any(Number)]);
    expect(figureOf(output, finding)).toBeGreaterThan(0);
  }
  expect(figureOf(output, 'cuts by readers')).toBeGreaterThanOrEqual(80);
});

test('the harness can fail: events that are lost, and events that come twice, are caught', async () => {
  const { code, output } = await streams('--seed', '20', '--cuts', '40', '--kills', '0', '--spoil-streams');
  expect(output).toMatch(/gaps +[1-9]\d* +VIOLATION/);
  expect(output).toMatch(/repeats +[1-9]\d* +VIOLATION/);
  expect(code).toBe(1);
});
