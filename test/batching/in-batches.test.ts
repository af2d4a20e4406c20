import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { inBatches } from '../../src/batching/in-batches.ts';
import { until } from '../until.ts';

const FOR_EVER_MS = 60_000;

/** Records which items ran together. */
function noting({ maxItems, gatherMs = 0, ms = 0 }: { maxItems: number; gatherMs?: number; ms?: number }) {
  const batches: number[][] = [];
  const double = inBatches(
    async (items: number[]) => {
      batches.push(items);
      await sleep(ms);
      return items.map((item) => item * 2);
    },
    { maxItems, gatherMs: () => gatherMs },
  );
  return { batches, double };
}

test('items of one turn form a batch, and each gets its own result', async () => {
  const { batches, double } = noting({ maxItems: 10 });
  await expect(Promise.all([1, 2, 3].map(double))).resolves.toEqual([2, 4, 6]);
  expect(batches).toEqual([[1, 2, 3]]);
});

test('items that come while a batch runs form the next one, up to its largest size', async () => {
  const { batches, double } = noting({ maxItems: 2, ms: 20 });
  const first = double(1);
  await until('it is under way', () => batches.length === 1);
  await Promise.all([first, ...[2, 3, 4].map(double)]);
  expect(batches).toEqual([[1], [2, 3], [4]]);
});

test('a batch that gathers goes as soon as it is full', async () => {
  const { batches, double } = noting({ maxItems: 3, gatherMs: FOR_EVER_MS });
  const first = double(1);
  await sleep(5);
  await Promise.all([first, double(2), double(3)]);
  expect(batches).toEqual([[1, 2, 3]]);
});

test('all items of a batch that fails reject, and those of the next one do not', async () => {
  let failing = true;
  const run = inBatches(
    async (items: number[]) => {
      if (failing) throw new Error('away');
      return items;
    },
    { maxItems: 10 },
  );
  const settled = await Promise.allSettled([run(1), run(2)]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  failing = false;
  await expect(run(3)).resolves.toBe(3);
});
