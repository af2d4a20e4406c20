import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readCosts } from '../../bench/scaling/costs.ts';
import { planFor, units } from '../../bench/scaling/plan.ts';

const root = join(import.meta.dirname, '../..');
const scaling = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bench/scaling.ts'), ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};
const load = { rate: 100, answerSeconds: 20, tokensPerSecond: 30 };

test('docs/scaling.md shows what the command prints', () => {
  const printed = scaling('--show-costs');
  expect(printed).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(join(root, 'docs/scaling.md'), 'utf8')).toContain(printed.stdout.trim());
});

test('a rate that is ten times as high needs ten times as much', () => {
  const [one, ten] = [planFor(load, readCosts()), planFor({ ...load, rate: 1_000 }, readCosts())];
  for (const [index, { what, value }] of one.figures.entries()) {
    expect([what, ten.figures[index]!.value / value]).toEqual([what, expect.closeTo(10)]);
  }
  expect(one.figures).toContainEqual({ what: 'open streams', value: 2_000, unit: '' });
  expect(one.figures).toContainEqual({ what: 'tokens', value: 60_000, unit: 'a second' });
});

test('what is used up first stands first, and there are enough of each', () => {
  const { limits } = planFor({ ...load, rate: 1_234 }, readCosts());
  expect(limits.map(({ rate }) => rate)).toEqual(limits.map(({ rate }) => rate).toSorted((a, b) => a - b));
  for (const { rate, needed } of limits) {
    expect(needed * rate).toBeGreaterThanOrEqual(1_234);
    expect((needed - 1) * rate).toBeLessThan(1_234);
  }
});

test('another value of a cost, or of what one server bears, is taken', () => {
  const costs = readCosts();
  costs.perToken.workerCpuMs *= 2;
  const [before, after] = [planFor(load, readCosts()), planFor(load, costs, { ...units, streamsOfApi: 20 })];
  const of = ({ limits }: typeof before, what: string) => limits.find((limit) => limit.what === what)!;
  const worker = 'worker processes, by CPU';
  expect(of(after, worker).rate).toBeLessThan(of(before, worker).rate);
  expect(of(after, 'api processes, by open streams').rate).toBe(1);
  expect(scaling('--rate', '1', '--set', 'streamsOfApi=20').stdout).toMatch(
    /^\| api processes, by open streams \| 1 \| 1 \|$/m,
  );
});

test.each([[['--set', 'perToken.nothing=1']], [['--set', 'redisGb']], [['--rate', '0']], [['--rate', 'many']]])(
  'says what is wrong with %j',
  (args) => {
    expect(scaling(...args)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(args[0]!) });
  },
);
